package accuracy

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/vision"
)

// Set is a set of labelled pictures.
type Set struct {
	// Pictures are the files, by their number in Object.Image.
	Pictures []string
	Objects  []Object
	// Classes are the category names by class id.
	Classes []string
}

type category struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

// Load reads a set in COCO's form: annotations.json, and the pictures it names in
// the folder images beside it. COCO's category ids have gaps; class ids are their
// ranks, as networks trained on COCO count them.
func Load(folder string) (Set, error) {
	var set Set
	data, err := os.ReadFile(filepath.Join(folder, "annotations.json"))
	if err != nil {
		return set, fmt.Errorf("loading labelled pictures: %w", err)
	}
	var coco struct {
		Images []struct {
			ID   int    `json:"id"`
			File string `json:"file_name"`
		} `json:"images"`
		Categories  []category `json:"categories"`
		Annotations []struct {
			Image    int        `json:"image_id"`
			Category int        `json:"category_id"`
			Box      [4]float32 `json:"bbox"` // x, y, width, height
			Crowd    int        `json:"iscrowd"`
		} `json:"annotations"`
	}
	if err := json.Unmarshal(data, &coco); err != nil {
		return set, fmt.Errorf("reading annotations: %w", err)
	}
	pictures, classes := map[int]int{}, map[int]int{}
	for i, image := range coco.Images {
		pictures[image.ID] = i
		set.Pictures = append(set.Pictures, filepath.Join(folder, "images", filepath.Base(image.File)))
	}
	slices.SortFunc(coco.Categories, func(a, b category) int { return cmp.Compare(a.ID, b.ID) })
	for i, category := range coco.Categories {
		classes[category.ID] = i
		set.Classes = append(set.Classes, category.Name)
	}
	for i, a := range coco.Annotations {
		image, known := pictures[a.Image]
		class, named := classes[a.Category]
		if !known || !named {
			return set, fmt.Errorf("annotation %d is of picture %d and category %d, which do not both exist", i, a.Image, a.Category)
		}
		box := functions.Box{X1: a.Box[0], Y1: a.Box[1], X2: a.Box[0] + a.Box[2], Y2: a.Box[1] + a.Box[3]}
		set.Objects = append(set.Objects, Object{Image: image, Class: class, Box: box, Crowd: a.Crowd == 1})
	}
	return set, nil
}

// The settings that detectors are measured with: nearly every box counts, for
// precision at high recall is part of the figure.
const (
	minScore      = 0.001
	maxDetections = 300
)

// Thresholds are how a detector must be made to be measured; iou is its NMS's.
func Thresholds(iou float64) functions.Thresholds {
	return functions.Thresholds{MinScore: new(minScore), IoU: &iou, MaxDetections: maxDetections}
}

// Measure detects in every picture of the set and scores the result.
func Measure(ctx context.Context, d *detector.Detector, session detector.Session, set Set) (Scores, error) {
	var found []Found
	for i, file := range set.Pictures {
		data, err := os.ReadFile(file)
		if err != nil {
			return Scores{}, fmt.Errorf("reading a labelled picture: %w", err)
		}
		picture, err := vision.Decode(data, vision.Limits{})
		if err != nil {
			return Scores{}, fmt.Errorf("decoding %s: %w", file, err)
		}
		detections, _, err := d.Detect(ctx, session, picture, functions.Parameters{})
		if err != nil {
			return Scores{}, fmt.Errorf("measuring on %s: %w", file, err)
		}
		for _, detection := range detections {
			found = append(found, Found{Image: i, Detection: detection})
		}
	}
	return MAP(set.Objects, found, maxDetections), nil
}
