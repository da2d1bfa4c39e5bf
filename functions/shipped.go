package functions

import "embed"

// Shipped holds the functions that come with Saccade, one folder each. A binary
// that does not name it does not carry it.
//
//go:embed centernet yolo11n yolov8n yolo26n yolox-nano
var Shipped embed.FS
