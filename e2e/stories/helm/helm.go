// Package helm holds the version of the Helm program that installs the chart in the
// stories: `go build helm.sh/helm/v3/cmd/helm` in this module makes it.
package helm
