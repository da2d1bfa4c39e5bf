package functions

// COCO returns the 80 class names of COCO 2017 in the order detection models
// number them, 0 to 79 (the dataset's own category ids have gaps, 1 to 90).
// Source: https://cocodataset.org, in the spelling Ultralytics' coco.yaml uses.
func COCO() []string {
	return []string{
		"person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
		"traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog",
		"horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
		"handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
		"baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
		"wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
		"broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant",
		"bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
		"microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
		"teddy bear", "hair drier", "toothbrush",
	}
}

// classOfCOCO91 is the class that a category id of COCO means: of the ids 1 to 90,
// ten were never given boxes.
func classOfCOCO91(id int) (class int, ok bool) {
	if id < 1 || id > 90 {
		return 0, false
	}
	class = id - 1
	for _, unused := range [...]int{12, 26, 29, 30, 45, 66, 68, 69, 71, 83} {
		switch {
		case id == unused:
			return 0, false
		case id > unused:
			class--
		}
	}
	return class, true
}
