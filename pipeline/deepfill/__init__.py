"""DeepFillv2: gated convolutions, contextual attention and the patch critic, in PyTorch.

Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019,
https://arxiv.org/abs/1806.03589. Parameter names are those of the published PyTorch weights.
"""
