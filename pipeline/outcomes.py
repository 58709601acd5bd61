"""The tables that training, segmenting, restoring and judging write: their columns."""

from pipeline.columns import Columns

HISTORY = Columns(
    {
        "epoch": ("int64", "from 1"),
        "size": ("int64", "side of the square network input, pixels"),
        "learning_rate": ("float64", "at the end of the epoch"),
        "loss": ("float64", "mean over the epoch's train batches"),
        "iou": ("float64", "of train batches, mean per image at network size, 0..1"),
        "val_loss": ("float64", "on valid"),
        "val_iou": ("float64", "on valid, mean per image at network size, 0..1"),
    }
)

COUNTS = Columns(
    {
        "split": ("str", "train, valid or test"),
        "file_name": ("str", "the picture's name"),
        "label": ("int64", "1..K"),
        "tp": ("int64", "pixels that both masks give the label"),
        "fp": ("int64", "pixels that only the prediction does"),
        "fn": ("int64", "pixels that only the truth does"),
        "edge_shared": ("int64", "pixels in the band along both masks' outlines of the label"),
        "edge_either": ("int64", "pixels in the band of either"),
    }
)

CONFUSION = Columns(
    {
        "split": ("str", "train, valid or test"),
        "truth": ("str", "category name, or background"),
        "predicted": ("str", "category name, or background"),
        "pixels": ("int64", "that truth and prediction call so"),
        "share": ("float64", "of the pixels that truth calls so, 0..1; NA if there is none"),
    }
)

CALIBRATION = Columns(
    {
        "split": ("str", "train, valid or test"),
        "category": ("str", "category name"),
        "bin_from": ("float64", "lowest probability of the bin, 0..1"),
        "bin_to": ("float64", "highest"),
        "pixels": ("int64", "whose predicted probability of the category is in the bin"),
        "predicted": ("float64", "their mean probability, 0..1; NA if there is none"),
        "observed": ("float64", "share of them that are the category, 0..1; NA if there is none"),
    }
)

IOU = Columns(
    {
        "split": ("str", "train, valid or test"),
        "category": ("str", "category name; empty = mean over categories"),
        "tag": ("str", "images with this tag only; empty = all images"),
        "images": ("int64", "images in which truth or prediction holds the category"),
        "iou": ("float64", "mean over those images, 0..1"),
        "iou_low": ("float64", "lower end of the bootstrap interval of iou"),
        "iou_high": ("float64", "upper end of the bootstrap interval of iou"),
        "iou_pooled": ("float64", "of all pixels of those images together, 0..1"),
        "dice": ("float64", "mean over those images, 0..1"),
        "precision": ("float64", "of pooled pixels, 0..1; NA if nothing was predicted"),
        "recall": ("float64", "of pooled pixels, 0..1; NA if nothing is there"),
        "boundary_iou": ("float64", "IoU of the bands along the outlines, mean over images, 0..1"),
        "boundary_iou_low": ("float64", "lower end of its bootstrap interval"),
        "boundary_iou_high": ("float64", "upper end"),
    }
)

SCORES = Columns(
    {
        "split": ("str", "train, valid or test"),
        "category": ("str", "category name; empty = mean over categories"),
        "tag": ("str", "images with this tag only; empty = all images"),
        "measure": ("str", "iou, dice, precision, recall or boundary_iou"),
        "images": ("int64", "that have the measure"),
        "mean": ("float64", "over those images, 0..1"),
        "mean_low": ("float64", "lower end of its bootstrap interval"),
        "mean_high": ("float64", "upper end"),
        "pooled": ("float64", "of all pixels of the images together, 0..1"),
        "pooled_low": ("float64", "lower end of its bootstrap interval"),
        "pooled_high": ("float64", "upper end"),
    }
)

WORST = Columns(
    {
        "split": ("str", "train, valid or test"),
        "rank": ("int64", "from 1, the lowest IoU first"),
        "file_name": ("str", "the picture's name"),
        "iou": ("float64", "mean over the categories in truth or prediction, 0..1"),
        "share": ("float64", "of the picture that the truth covers, 0..1"),
        "missed": ("float64", "share of the truth's pixels not found, 0..1; NA if there is none"),
        "invented": ("float64", "share of the predicted pixels that are wrong; NA if none"),
        "tags": ("str", "the image's problems, a space between two"),
    }
)

RIVALS = Columns(
    {
        "model": ("str", "unet (the trained one), deeplabv3_resnet101 or selfie"),
        "category": ("str", "category name; empty if the model was not run"),
        "input": ("str", "the size at which it looks, pixels"),
        "parameters": ("Int64", "how many it has; NA if it was not run"),
        "images": ("Int64", "test images in which truth or prediction holds the category"),
        "iou": ("float64", "mean over those images, 0..1"),
        "iou_low": ("float64", "lower end of its bootstrap interval"),
        "iou_high": ("float64", "upper end"),
        "iou_pooled": ("float64", "of all pixels of those images together, 0..1"),
        "boundary_iou": ("float64", "IoU of the bands along the outlines, mean over images, 0..1"),
        "boundary_iou_low": ("float64", "lower end of its bootstrap interval"),
        "boundary_iou_high": ("float64", "upper end"),
        "note": ("str", "why it was not run, or which categories it does not know"),
    }
)

LEARNING = Columns(
    {
        "share": ("float64", "of the train images that were learnt from, 0..1"),
        "images": ("int64", "how many that is; each set holds the smaller ones"),
        "epochs": ("int64", "so many that every set is learnt from for as many steps"),
        "split": ("str", "valid or test"),
        "scored": ("int64", "images in which truth or prediction holds a category"),
        "iou": ("float64", "mean over categories of the mean over those images, 0..1"),
        "iou_low": ("float64", "lower end of its bootstrap interval"),
        "iou_high": ("float64", "upper end"),
    }
)

PRELABEL = Columns(
    {
        "rank": ("int64", "from 1; the photo whose labels would teach most first"),
        "file_name": ("str", "the photo's name"),
        "score": ("float64", "uncertainty times unlike, 0..1"),
        "uncertainty": ("float64", "mean entropy of the least sure pixels, bits, 0..1"),
        "unlike": ("float64", "distance to the likest photo labelled or ranked above, 0..1"),
        "nearest": ("str", "that photo; empty if there is none"),
        "objects": ("int64", "how many were outlined"),
        "share": ("float64", "of the photo that they cover, 0..1"),
    }
)

COSTS = Columns(
    {
        "tag": ("str", "name of the problem"),
        "images": ("int64", "scored photos of valid and test (of train if there are no others)"),
        "tagged": ("int64", "how many of them have the problem"),
        "iou": ("float64", "mean IoU of the photos with the problem, 0..1"),
        "iou_low": ("float64", "lower end of its bootstrap interval"),
        "iou_high": ("float64", "upper end"),
        "rest": ("float64", "the same of the photos without it"),
        "rest_low": ("float64", "lower end of its bootstrap interval"),
        "rest_high": ("float64", "upper end"),
        "difference": ("float64", "rest less iou, split by split; NA if no split has both"),
        "difference_low": ("float64", "lower end of its bootstrap interval"),
        "difference_high": ("float64", "upper end"),
        "gain": (
            "float64",
            "share of tagged photos times difference: gained without it",
        ),
        "gain_low": ("float64", "lower end of its bootstrap interval"),
        "gain_high": ("float64", "upper end"),
        "alone": ("float64", "difference with all other problems held fixed, by regression"),
        "alone_low": ("float64", "lower end of its bootstrap interval"),
        "alone_high": ("float64", "upper end"),
        "gain_alone": ("float64", "share of tagged photos times alone"),
        "gain_alone_low": ("float64", "lower end of its bootstrap interval"),
        "gain_alone_high": ("float64", "upper end"),
    }
)

SUSPECTS = Columns(
    {
        "split": ("str", "train, valid or test"),
        "file_name": ("str", "the picture's name"),
        "annotation_id": ("Int64", "in data/valid; NA if nobody outlined it, or of the image"),
        "kind": ("str", "missing, extra, category, boundary: what is wrong; or the whole image"),
        "score": ("float64", "how far label and network differ, 0..1; see suspect.score"),
        "expected": ("float64", "what is usual for objects of that size, 0..1"),
        "excess": ("float64", "score above what is usual, 0..1; rows are sorted by it"),
        "suspect": ("bool", "the excess is above suspect.above; never of an image"),
        "held_out": ("bool", "the network that judges did not learn from this picture"),
        "area": ("float64", "pixels of the network's input"),
        "left": ("int64", "of the box around it, pixels of the picture"),
        "top": ("int64", "as left"),
        "right": ("int64", "as left, exclusive"),
        "bottom": ("int64", "as left, exclusive"),
    }
)

RESTORED = Columns(
    {
        "file_name": ("str", "the picture's name"),
        "kind": ("str", "clean: against the scene without people; transplant: hole on bare ground"),
        "method": ("str", "deepfill, telea, ns or mean"),
        "hole": ("float64", "share of the picture that was filled, 0..1"),
        "psnr": ("float64", "dB, over the hole's pixels"),
        "ssim": ("float64", "mean over the hole's pixels, -1..1"),
        "l1": ("float64", "mean absolute difference over the hole's pixels, 0..1"),
        "seam": ("float64", "steps across the hole's edge over the photo's beside it; 1 is unseen"),
        "lpips": ("float64", "as in perceived.csv; empty where it was not measured"),
    }
)

PERCEIVED = Columns(
    {
        "file_name": ("str", "the picture's name"),
        "kind": ("str", "as in restored.csv"),
        "method": ("str", "as in restored.csv"),
        "lpips": ("float64", "how different the hole looks from the truth; 0 is equal"),
    }
)

RESTORATION = Columns(
    {
        "kind": ("str", "as in restored.csv"),
        "tag": ("str", "of the images; empty: all of them"),
        "against": ("str", "the method that deepfill is compared with, on the same holes"),
        "metric": ("str", "psnr, ssim, l1, lpips, or seam: how far restored.csv's is from 1"),
        "images": ("int64", "compared"),
        "ours": ("float64", "mean of deepfill"),
        "theirs": ("float64", "mean of the other method"),
        "gain": ("float64", "how much better deepfill is; below 0 it is worse"),
        "gain_low": ("float64", "of the gain's bootstrap interval over images"),
        "gain_high": ("float64", "its other end"),
    }
)

REMAINS = Columns(
    {
        "file_name": ("str", "the picture's name"),
        "before": ("int64", "pixels of the hole that the segmenter gave to an object"),
        "after": ("int64", "of these, pixels that it still gives to one in the restored picture"),
    }
)
