package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

const (
	gatewayName = "saccade"
	runtimeName = "saccade-runtime"
	// modelKind is the image of a model alone. It is built where it is asked for.
	modelKind = "model"
)

// options is what the user asks for.
type options struct {
	// root is the repository's, out where the images are written.
	root, out string
	// only names the images that are built: gatewayName, runtimeName, modelKind.
	only []string
	// platforms are those wanted; explicit where the user named them, so that none of
	// them may be left out.
	platforms []platform
	explicit  bool
	// prefix goes before an image's name, tag behind it; an empty tag is the version.
	prefix, tag string
	// runtimeName is what the runtime's image is called, for those that hold a model.
	runtimeName string
	// modelName is what the image of a model is called; empty: like its function.
	modelName string
	// version and revision are written into the binaries and labels; empty: git's.
	version, revision string
	// archive says whether a docker-archive is written beside the layout.
	archive bool
	// push is the registry, and the path in it, that the images go to; empty: none.
	push string
	// model is an ONNX file and function the folder of its function.yaml, both to be
	// in the image; empty: none.
	model, function string
	// cuda are folders with ONNX Runtime built for CUDA and with CUDA's libraries.
	cuda []string
}

const usage = `Builds Saccade's container images without Docker.

  ./task images                                    both, for amd64 and arm64, as OCI layouts in out/images
  ./task images -- --platforms linux/amd64 --archive --name-prefix dev.local/ --tag 1
                                                   tarballs that "ctr images import" and "docker load" take
  ./task images -- --push ghcr.io/OWNER            to a registry too ("docker login" says who you are)
  ./task images -- --function functions/centernet  a runtime with the model in it, at /models
  ./task images -- --only model --function functions/centernet
                                                   the model alone, to be mounted as a volume

`

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var platforms, only, cuda string
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.root, "root", ".", "`folder` of the repository")
	flags.StringVar(&o.out, "out", "", "`folder` the images are written to; empty: out/images in the repository")
	flags.StringVar(&only, "only", gatewayName+","+runtimeName, "the `images` that are built, separated by commas; "+modelKind+" is that of a model alone")
	flags.StringVar(&platforms, "platforms", "", "`platforms` separated by commas, none of which may be left out; empty: linux/amd64,linux/arm64, the runtime for those this machine can build for")
	flags.StringVar(&o.prefix, "name-prefix", "ghcr.io/seed45885407/", "`prefix` of the images' names")
	flags.StringVar(&o.tag, "tag", "", "`tag` of the images; empty: the version, of a model alone the first of its SHA-256")
	flags.StringVar(&o.runtimeName, "runtime-name", runtimeName, "`name` of the runtime's image, where one with a model in it should not be taken for the one without")
	flags.StringVar(&o.modelName, "model-name", "", "`name` of the image of a model alone; empty: saccade-model-FUNCTION")
	flags.StringVar(&o.version, "version", "", "`version` that the programs tell; empty: what git describes")
	flags.StringVar(&o.revision, "revision", "", "`commit` for the label; empty: git's")
	flags.BoolVar(&o.archive, "archive", false, "write docker-archive tarballs too (NAME.tar; with several platforms NAME_OS_ARCH.tar)")
	flags.StringVar(&o.push, "push", "", "`registry` and path in it that the images are pushed to, in place of the name's prefix")
	flags.StringVar(&o.model, "model", "", "ONNX `file` to put into the runtime's image, or its own, at /models; empty with --function: the one in that folder")
	flags.StringVar(&o.function, "function", "", "`folder` whose function.yaml tells of the model; with the runtime it goes to /models too, and its labels")
	flags.StringVar(&cuda, "cuda", "", "`folders`, separated by commas, with ONNX Runtime built for CUDA and the CUDA libraries it needs (see docs/images.md)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o.complete(platforms, only, cuda)
}

// complete reads the lists, makes paths absolute, and reports every fault together.
func (o options) complete(platforms, only, cuda string) (options, error) {
	var errs []error
	o.platforms, o.explicit = []platform{amd64, arm64}, platforms != ""
	if o.explicit {
		o.platforms = nil
		for _, text := range list(platforms) {
			p, err := platformNamed(text)
			errs = append(errs, err)
			o.platforms = append(o.platforms, p)
		}
	}
	o.only = list(only)
	for _, n := range o.only {
		if n != gatewayName && n != runtimeName && n != modelKind {
			errs = append(errs, fmt.Errorf("--only %q: the images are %s, %s and %s", n, gatewayName, runtimeName, modelKind))
		}
	}
	if len(o.only) == 0 {
		errs = append(errs, errors.New("--only names no image"))
	}
	if o.model != "" && o.function == "" {
		errs = append(errs, errors.New("--model wants --function, the folder of its function.yaml"))
	}
	alone := slices.Contains(o.only, modelKind)
	if o.function != "" && !alone && !slices.Contains(o.only, runtimeName) {
		errs = append(errs, fmt.Errorf("--function is for %s, which --only leaves out", runtimeName))
	}
	if alone && o.function == "" {
		errs = append(errs, fmt.Errorf("--only %s wants --function, the folder of its function.yaml", modelKind))
	}
	if o.modelName != "" && !alone {
		errs = append(errs, fmt.Errorf("--model-name is for %s, which --only does not name", modelKind))
	}
	o.cuda = list(cuda)
	if len(o.cuda) > 0 && !o.explicit {
		o.platforms = []platform{amd64} // what CUDA's libraries are commonly for
	}
	if len(o.cuda) > 0 && len(o.platforms) > 1 {
		errs = append(errs, errors.New("--cuda: a folder holds libraries of one platform, so --platforms must name one"))
	}
	root, err := filepath.Abs(o.root)
	errs = append(errs, err)
	o.root = root
	if _, err := os.Stat(filepath.Join(root, "cmd", "saccade-runtime")); err != nil {
		errs = append(errs, fmt.Errorf("--root names no checkout of Saccade: %w", err))
	}
	if o.out == "" {
		o.out = filepath.Join(root, "out", "images")
	}
	for _, n := range []string{o.prefix + gatewayName, o.prefix + o.runtimeName, o.prefix + cmp.Or(o.modelName, modelKind)} {
		if _, err := name.NewRepository(n); err != nil {
			errs = append(errs, err)
		}
	}
	return o, errors.Join(errs...)
}

// list are the comma-separated words of text, without doubles.
func list(text string) []string {
	var words []string
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}
