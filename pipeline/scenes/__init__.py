"""Pictures of people in places, drawn from numbers: the built-in sample, and training at scale.

``places`` builds a place once as layers without light, ``light`` lights it for an hour and a
season, ``people`` and its neighbours draw figures, ``compose`` puts a picture together, and
``annotate`` traces the people in it. Everything is a pure function of its random generator.
"""
