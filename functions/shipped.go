package functions

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
)

// Shipped holds the functions that come with Saccade, one folder each. A binary
// that does not name it does not carry it.
//
//go:embed centernet yolo11n yolov8n yolo26n yolox-nano
var Shipped embed.FS

// ShippedModel is the model file in Shipped that has the SHA-256 sum, lower-case hex,
// by the folder it is in and its name there.
func ShippedModel(sum string) (folder fs.FS, name string, ok bool) {
	files, _ := fs.Glob(Shipped, "*/*.onnx") // the pattern is good
	for _, file := range files {
		content, err := fs.ReadFile(Shipped, file)
		if got := sha256.Sum256(content); err == nil && hex.EncodeToString(got[:]) == sum {
			return Shipped, file, true
		}
	}
	return nil, "", false
}
