package main

import (
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/util/compatibility"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/kubernetes/pkg/generated/openapi"
	"sigs.k8s.io/metrics-server/pkg/api"
	"sigs.k8s.io/metrics-server/pkg/scraper/client"
	metricsserver "sigs.k8s.io/metrics-server/pkg/server"
)

// newMetricsServerCommand is metrics-server, which tells autoscalers how busy pods are.
// Its own command line is of an older Kubernetes and cannot be built with this one, so
// this takes what lies below it.
func newMetricsServerCommand() *cobra.Command {
	var kubeconfig string
	var every time.Duration
	serving := genericoptions.NewSecureServingOptions().WithLoopback()
	authentication, authorization := genericoptions.NewDelegatingAuthenticationOptions(), genericoptions.NewDelegatingAuthorizationOptions()
	cmd := &cobra.Command{
		Use:          "metrics-server",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(*cobra.Command, []string) error {
			config := genericapiserver.NewConfig(api.Codecs)
			config.EffectiveVersion = compatibility.DefaultBuildEffectiveVersion()
			if err := serving.MaybeDefaultWithSelfSignedCerts("localhost", nil, []net.IP{net.IPv4(127, 0, 0, 1)}); err != nil {
				return fmt.Errorf("making a certificate: %w", err)
			}
			if err := serving.ApplyTo(&config.SecureServing, &config.LoopbackClientConfig); err != nil {
				return err
			}
			authentication.RemoteKubeConfigFile, authorization.RemoteKubeConfigFile = kubeconfig, kubeconfig
			if err := authentication.ApplyTo(&config.Authentication, config.SecureServing, nil); err != nil {
				return err
			}
			if err := authorization.ApplyTo(&config.Authorization); err != nil {
				return err
			}
			named := openapinamer.NewDefinitionNamer(api.Scheme)
			config.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(openapi.GetOpenAPIDefinitions, named)
			config.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(openapi.GetOpenAPIDefinitions, named)
			own, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return err
			}
			server, err := metricsserver.Config{
				Apiserver: config, Rest: own, MetricResolution: every, ScrapeTimeout: every / 2,
				Kubelet: &client.KubeletClientConfig{
					Scheme: "https", DefaultPort: 10250, AddressTypePriority: []corev1.NodeAddressType{corev1.NodeInternalIP},
					Client: *rest.CopyConfig(own), UseNodeStatusPort: true,
				},
			}.Complete()
			if err != nil {
				return err
			}
			return server.RunUntil(genericapiserver.SetupSignalHandler())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&kubeconfig, "kubeconfig", "", "the cluster, and who asks it")
	flags.DurationVar(&every, "metric-resolution", 15*time.Second, "how often kubelets are asked")
	serving.AddFlags(flags)
	return cmd
}
