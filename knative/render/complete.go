package render

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/models/store/address"
)

// Complete applies the defaults as a cluster has them. They differ in one thing:
// where the CPU is not bound, an instance runs one at a time, for the machine that
// renders is not the one that runs.
func Complete(f functions.Function) functions.Function {
	r := &f.Spec.Runtime
	if r.Parallel == 0 && !f.Spec.Scaling.IsLambda() {
		r.Parallel = 1
		if cores, err := catalog.ParseCPU(f.Spec.Resources.CPU); err == nil {
			r.Parallel = min(max(1, int(cores)/max(1, r.Threads)), int(catalog.Rules()["spec.runtime.parallel"].Max))
		}
	}
	return f.WithDefaults()
}

// prepare is the complete function as the pod reads it, and the complete options.
func prepare(f functions.Function, o Options) (functions.Function, Options, error) {
	if err := catalog.Validate(f); err != nil {
		return f, o, err
	}
	o, f = o.withDefaults(), Complete(f)
	var errs []error
	if o.Image == "" {
		errs = append(errs, errors.New("the runtime's image is missing: --image names it"))
	}
	switch {
	case !slices.Contains(Deliveries, o.Delivery):
		errs = append(errs, fmt.Errorf("delivery %q is none of %v", o.Delivery, Deliveries))
	case o.Delivery == DeliverPVC && o.Cache == EmptyDir:
		errs = append(errs, errors.New("delivery pvc needs the claim that holds the models: --cache-claim names it"))
	}
	if fault := o.modelImage(); fault != nil {
		errs = append(errs, fault)
	}
	if o.Mirror != "" {
		if at, err := address.Parse(o.Mirror); err != nil || at.URL == nil {
			errs = append(errs, fmt.Errorf("the mirror %q is no http(s) address, and nothing else is reached from a pod", redacted(at, o.Mirror)))
		} else if fault := secretIn(at.URL); fault != "" {
			errs = append(errs, fmt.Errorf("the mirror %s %s, which everybody who reads the objects would see", at, fault))
		}
	}
	if timeout := seconds(f.Spec.Scaling.Timeout); timeout > o.MaxTimeout {
		errs = append(errs, fmt.Errorf("spec.scaling.timeout, %s, is more than the %s that Knative lets a revision have"+
			" (max-revision-timeout-seconds in ConfigMap config-defaults): --max-timeout says what your cluster has", timeout, o.MaxTimeout))
	}
	model := &f.Spec.Model
	if fault := deliverable(model, o); fault != nil {
		errs = append(errs, fault)
	}
	// What was read from files beside function.yaml is in it from now on, and what it
	// cannot hold is left out, see docs/render.md.
	model.LabelsFile = ""
	model.Variants, model.Variant = nil, ""
	f.Spec.Drift.ReferenceFile, f.Spec.Drift.Recorded = "", nil
	f.Spec.Runtime.Device = ""
	return f, o, errors.Join(errs...)
}

// redacted is text, or what may be shown of it.
func redacted(at address.Address, text string) string {
	if at.URL != nil {
		return at.String()
	}
	if strings.Contains(text, "@") {
		return "..."
	}
	return text
}

// deliverable says why the model cannot come into a pod, or nothing. It declares the
// sum of a model that is in the runtime's own program, by which that one finds it.
func deliverable(m *functions.Model, o Options) error {
	at, err := address.Parse(m.URI)
	if err != nil {
		return fmt.Errorf("spec.model.uri %w", err) // validated before
	}
	if at.URL != nil {
		// It is in the declaration, however the model is delivered.
		if fault := secretIn(at.URL); fault != "" {
			return fmt.Errorf("the model's address %s, which everybody who reads the objects would see: leave it out, and "+
				"put the model into a claim (--delivery pvc) or an image (--delivery image, volume), or fetch it through a mirror", fault)
		}
		return nil
	}
	if o.Delivery.inImage() {
		return nil // where it came from is no pod's business
	}
	if o.Delivery == DeliverPVC {
		if m.SHA256 == "" {
			return fmt.Errorf("the model %s is found in a claim by its sum alone: spec.model.sha256 gives it", at.Place())
		}
		return nil
	}
	if at.Scheme == "" {
		sum := m.SHA256
		if sum == "" && o.Folder != nil {
			if sum, err = sumOf(o.Folder, at.Path); err != nil {
				return fmt.Errorf("reading the model: %w", err)
			}
		}
		if _, _, shipped := functions.ShippedModel(sum); shipped {
			m.SHA256 = sum
			return nil
		}
	}
	return fmt.Errorf("the model %s is a file on this machine, which no pod can reach: put it into an image (--delivery image, volume), "+
		"into a claim (--delivery pvc), or behind an https address that spec.model.uri gives", at.Place())
}

// secretIn says what of the address lets whoever knows it in.
func secretIn(u *url.URL) string {
	if u.User != nil {
		return "has credentials in it"
	}
	for key := range u.Query() {
		key = strings.ToLower(key)
		for _, word := range []string{"signature", "credential", "token", "secret", "password", "key"} {
			if strings.Contains(key, word) || key == "sig" {
				return "has a secret in its query (" + key + ")"
			}
		}
	}
	return ""
}

func sumOf(folder fs.FS, name string) (string, error) {
	file, err := folder.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return hexSum(file)
}
