// Package charts holds the tests of what is shipped for clusters: config/kustomize,
// config/helm, config/eventing and config/monitoring. They render it with kustomize's
// and Helm's own libraries, decode it into the real types of Kubernetes, Knative and
// Prometheus' operator, and hold it against the restricted Pod Security Standard.
//
// It is a module of its own, so that none of those libraries is one of the product's.
// They look at files outside of this module, which go's cache of test results does not
// watch: run them with -count=1. With -update the tests write the copies that the chart
// and config/monitoring hold of the alerts and the dashboard.
package charts
