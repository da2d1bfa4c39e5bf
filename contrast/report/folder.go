package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// pixels is how many of them a picture has for a CSS pixel: sharp on most screens.
const pixels = 2

// WriteFolder writes into dir, which is made where it is missing: report.html,
// report.json, report.csv, and in figures/ each figure as SVG and as PNG. overview is
// the one that tells most at a glance. What is there under these names is replaced.
func WriteFolder(dir string, in Input) error {
	for name, write := range map[string]func(io.Writer, Input) error{
		"report.html": Write, "report.json": WriteJSON, "report.csv": WriteCSV,
	} {
		var text bytes.Buffer
		if err := write(&text, in); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, name), text.Bytes()); err != nil {
			return err
		}
	}
	return WriteFigures(filepath.Join(dir, "figures"), in)
}

// WriteFigures writes each figure into dir as SVG, for light and dark surroundings, and
// as PNG on a light ground.
func WriteFigures(dir string, in Input) error {
	doc, err := newDocument(in)
	if err != nil {
		return err
	}
	for _, d := range drawAll(&doc).all(&doc) {
		d = d.framed(16)
		if err := writeFile(filepath.Join(dir, d.name+".svg"), []byte(d.file())); err != nil {
			return err
		}
		picture, err := d.png(pixels)
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, d.name+".png"), picture); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("making the report's folder: %w", err)
	}
	if err := os.WriteFile(name, content, 0o644); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
