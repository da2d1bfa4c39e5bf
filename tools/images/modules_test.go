package main

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
)

func TestALicenceIsToldFromItsText(t *testing.T) {
	_, turbojpeg := engines()
	onnxruntime, _ := engines()
	apache, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, want string
		texts      []string
	}{
		{"Apache", "Apache-2.0", []string{string(apache)}},
		{"MIT among other words", "MIT", []string{onnxruntime.text}},
		{"two files", "Apache-2.0 AND MIT", []string{onnxruntime.text, string(apache)}},
		{"BSD", "BSD-3-Clause", []string{turbojpeg.text}},
		{"nothing known", "", []string{"Do as you please."}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var texts [][]byte
			for _, text := range test.texts {
				texts = append(texts, []byte(text))
			}
			if got := licenceOf(texts); got != test.want {
				t.Errorf("licence = %q; want %q", got, test.want)
			}
		})
	}
}

func TestOnlyLicencesAreReadOffAModule(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"LICENSE.md", "NOTICE", "license.go", "README.md"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := licenceFiles(dir)
	if err != nil || len(got) != 2 || string(got[0]) != "LICENSE.md" || string(got[1]) != "NOTICE" {
		t.Errorf("licenceFiles = %q, %v", got, err)
	}
}

func TestTheCertificatesAreManyAndReadable(t *testing.T) {
	if !x509.NewCertPool().AppendCertsFromPEM(certificates()) {
		t.Fatal("none can be read")
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificates())
	//lint:ignore SA1019 the pool is not the system's
	if n := len(pool.Subjects()); n < 80 {
		t.Errorf("there are %d certificates", n)
	}
}
