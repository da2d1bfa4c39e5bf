//go:build conformance

// Package knative names what the ingress conformance suite needs, so that go.mod
// keeps it.
package knative

import _ "knative.dev/networking/test/conformance/ingress"
