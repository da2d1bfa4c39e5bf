package main

import "path/filepath"

// codecs is the folder, in the repository, of what decodes AVIF and JPEG XL: other
// people's programs inside the runtime's own, which its list of modules does not show.
const codecs = "runtime/codec/build"

// codecTexts are what they are passed on with, as they lie there.
var codecTexts = []string{"COPYING.dav1d", "LICENSE.libjxl", "PATENTS.libjxl", "LICENSE.highway", "LICENSE.libraries"}

// codecComponents are the decoders. A new version is a change here and in build.sh there;
// a test compares them.
func codecComponents() []component {
	const comment = "Compiled to WebAssembly from Debian's sources, inside saccade-runtime."
	decoder := func(name, version, licence string) component {
		return component{name: name, version: version, licence: licence, purl: "pkg:generic/" + name + "@" + version, comment: comment}
	}
	return []component{
		decoder("dav1d", "1.5.1", "BSD-2-Clause"),
		decoder("libjxl", "0.11.2", "BSD-3-Clause"),
		decoder("highway", "1.2.0", "Apache-2.0 OR BSD-3-Clause"),
	}
}

// codecNotices are the decoders' texts, for the layer of the program.
func (b builder) codecNotices() []item {
	var items []item
	for _, name := range codecTexts {
		items = append(items, copied(docs+"codec/"+name, filepath.Join(b.options.root, codecs, name)))
	}
	return items
}
