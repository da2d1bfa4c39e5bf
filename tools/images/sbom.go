package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"github.com/spdx/tools-golang/spdx/v2/common"
)

// sbomType is the media type of an SPDX document in JSON, and what referrers are asked
// for by.
const sbomType = "application/spdx+json"

const unknown = "NOASSERTION" // SPDX's word for what is not told

// sbom is the list of what is in the image, as SPDX 2.3 in JSON
// (https://spdx.github.io/spdx-spec/v2.3). It is a function of the image alone.
func (b blueprint) sbom(s stamp, reference string, digest v1.Hash) ([]byte, error) {
	image := &spdx.Package{
		PackageName: reference, PackageSPDXIdentifier: "Image", PackageVersion: s.version,
		PackageDownloadLocation: unknown, PackageCopyrightText: unknown, PrimaryPackagePurpose: "CONTAINER",
		PackageLicenseConcluded: unknown, PackageLicenseDeclared: b.licences(), IsFilesAnalyzedTagPresent: true,
		PackageChecksums: []spdx.Checksum{{Algorithm: spdx.SHA256, Value: digest.Hex}},
		PackageExternalReferences: []*spdx.PackageExternalReference{purl(
			fmt.Sprintf("pkg:oci/%s@sha256%%3A%s?arch=%s", b.title, digest.Hex, b.platform.arch))},
	}
	doc := &spdx.Document{
		SPDXVersion: spdx.Version, DataLicense: spdx.DataLicense, SPDXIdentifier: "DOCUMENT",
		DocumentName:      fmt.Sprintf("%s %s %s", b.title, s.version, b.platform),
		DocumentNamespace: source + "/spdx/" + b.title + "/" + digest.Hex,
		CreationInfo: &spdx.CreationInfo{
			Created: s.when.Format(time.RFC3339),
			Creators: []spdx.Creator{
				{CreatorType: "Organization", Creator: "The Saccade authors"},
				{CreatorType: "Tool", Creator: "saccade-images"},
			},
		},
		Packages:      []*spdx.Package{image},
		Relationships: []*spdx.Relationship{related("DOCUMENT", common.TypeRelationshipDescribe, "Image")},
	}
	for n, c := range b.components {
		id := common.ElementID(fmt.Sprintf("Package-%d", n+1))
		doc.Packages = append(doc.Packages, c.spdx(id))
		doc.Relationships = append(doc.Relationships, related("Image", common.TypeRelationshipContains, id))
	}
	var out bytes.Buffer
	if err := json.Write(doc, &out, json.Indent("  ")); err != nil {
		return nil, fmt.Errorf("writing SPDX: %w", err)
	}
	return out.Bytes(), nil
}

func (c component) spdx(id common.ElementID) *spdx.Package {
	p := &spdx.Package{
		PackageName: c.name, PackageSPDXIdentifier: id, PackageVersion: c.version,
		PackageDownloadLocation: unknown, PackageCopyrightText: unknown, IsFilesAnalyzedTagPresent: true,
		PackageLicenseConcluded: unknown, PackageLicenseDeclared: c.licence, PackageComment: c.comment,
	}
	if c.licence == "" {
		p.PackageLicenseDeclared = unknown
	}
	if c.purl != "" {
		p.PackageExternalReferences = []*spdx.PackageExternalReference{purl(c.purl)}
	}
	if c.sha256 != "" {
		p.PackageChecksums = []spdx.Checksum{{Algorithm: spdx.SHA256, Value: strings.ToLower(c.sha256)}}
	}
	return p
}

func purl(locator string) *spdx.PackageExternalReference {
	return &spdx.PackageExternalReference{Category: common.CategoryPackageManager, RefType: "purl", Locator: locator}
}

func related(a common.ElementID, how string, b common.ElementID) *spdx.Relationship {
	return &spdx.Relationship{RefA: common.MakeDocElementID("", string(a)), RefB: common.MakeDocElementID("", string(b)), Relationship: how}
}
