package catalog

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/store/address"
)

// Rules is the table of rules by field, for example spec.thresholds.minScore.
// The ranges under spec.scaling are Knative's own (knative.dev/serving v0.42,
// pkg/apis/autoscaling), so that what is valid here is valid on a cluster.
func Rules() map[string]Rule {
	const hour = 3600
	return map[string]Rule{
		"apiVersion": {Required: true, OneOf: []string{functions.APIVersion}},
		"kind":       {Required: true, OneOf: []string{functions.KindFunction}},
		// Knative puts names of its own making, "-00001-private" the longest, behind
		// ours, and the result must be a DNS label of 63 characters. RFC 1035 labels
		// start with a letter, and Kubernetes Services are named by these.
		"metadata.name": {
			Required: true, MaxLength: 52, Pattern: `^[a-z]([-a-z0-9]*[a-z0-9])?$`,
			Words: "a DNS label: lower-case letters, digits and hyphens, a letter first and no hyphen last",
		},

		"spec.model.uri":      {Required: true, MaxLength: 8 << 10, check: checkURI},
		"spec.model.sha256":   {Pattern: `^[0-9a-f]{64}$`, Words: "a SHA-256: 64 lower-case hex digits"},
		"spec.model.variants": {MaxItems: 16, MaxLength: 8 << 10, check: checkURI},
		"spec.model.variant":  {MaxLength: 200},
		"spec.model.family":   {OneOf: families()},
		// The families whose places are cells of grids need a multiple of 32; see
		// validateModel.
		"spec.model.inputSize": {Min: 32, Max: 4096, Zero: true},

		"spec.model.feed.place":   {OneOf: []string{functions.PlaceCentred, functions.PlaceTopLeft, functions.PlaceStretched}},
		"spec.model.feed.pad":     {Max: 255},
		"spec.model.feed.colours": {OneOf: []string{functions.ColoursRGB, functions.ColoursBGR}},
		"spec.model.feed.divisor": {Min: 0.001, Max: 65535},
		"spec.model.feed.mean":    {Items: 3, Min: -65535, Max: 65535},
		"spec.model.feed.std":     {Items: 3, Min: 0.00001, Max: 65535},

		"spec.model.read.corners":  {OneOf: []string{functions.CornersXYXY, functions.CornersYXYX, functions.CornersCXCYWH}},
		"spec.model.read.unit":     {OneOf: []string{functions.UnitPixels, functions.UnitShares}},
		"spec.model.read.classIds": {OneOf: []string{functions.ClassIDsFrom0, functions.ClassIDsFrom1, functions.ClassIDsCOCO91}},

		"spec.model.labels":     {MaxItems: maxLabels, MaxLength: 200, check: checkLabel},
		"spec.model.labelsFile": {check: checkLabelsFile},
		"spec.model.licence":    {MaxLength: 200},

		"spec.thresholds.minScore":      {Max: 1},
		"spec.thresholds.iou":           {Max: 1},
		"spec.thresholds.maxDetections": {Min: 1, Max: 10000},

		"spec.runtime.providers":   {OneOf: providers()},
		"spec.runtime.require":     {OneOf: providers()},
		"spec.runtime.device":      {Pattern: devicePattern, Words: "a GPU's UUID as nvidia-smi -L shows it: GPU-... or MIG-..."},
		"spec.runtime.precision":   {OneOf: []string{functions.PrecisionFP32, functions.PrecisionFP16}},
		"spec.runtime.threads":     {Min: 1, Max: 256},
		"spec.runtime.parallel":    {Min: 1, Max: 999},
		"spec.runtime.batch.max":   {Min: 1, Max: 64},
		"spec.runtime.batch.delay": {Duration: true, Max: 10},

		"spec.scaling.minScale":                 {Max: 1000},
		"spec.scaling.initialScale":             {Max: 1000},
		"spec.scaling.maxScale":                 {Max: 1000},
		"spec.scaling.containerConcurrency":     {Min: 1, Max: 1000},
		"spec.scaling.style":                    {OneOf: []string{functions.StyleKubernetes, functions.StyleLambda}},
		"spec.scaling.autoscaler":               {OneOf: []string{functions.AutoscalerKPA, functions.AutoscalerStartupAware, functions.AutoscalerHPA}},
		"spec.scaling.metric":                   {OneOf: []string{functions.MetricConcurrency, functions.MetricRPS, functions.MetricCPU}},
		"spec.scaling.target":                   {Min: 0.01, Max: 1e6},
		"spec.scaling.targetUtilization":        {Min: 1, Max: 100},
		"spec.scaling.window":                   {Duration: true, Min: 6, Max: hour, Step: 1},
		"spec.scaling.panicWindowPercentage":    {Min: 1, Max: 100},
		"spec.scaling.panicThresholdPercentage": {Min: 110, Max: 1000},
		"spec.scaling.scaleDownDelay":           {Duration: true, Max: hour, Step: 1},
		"spec.scaling.scaleToZeroPodRetention":  {Duration: true, Max: hour},
		"spec.scaling.startTimeout":             {Duration: true, Min: 0.001, Max: hour},
		"spec.scaling.timeout":                  {Duration: true, Min: 0.001, Max: hour},

		// AWS Lambda's own ranges; see functions.Lambda.
		"spec.scaling.lambda.memory":                 {Min: 128, Max: 10240},
		"spec.scaling.lambda.reservedConcurrency":    {Max: functions.LambdaAccountConcurrency},
		"spec.scaling.lambda.provisionedConcurrency": {Max: functions.LambdaAccountConcurrency},
		"spec.scaling.lambda.keepAlive":              {Duration: true, Min: 1, Max: hour},
		"spec.scaling.lambda.versionWeight":          {Min: 0.01, Max: 100},

		// What a cluster's names, labels and taints may be is Kubernetes' to say; maps
		// are looked at in validateCluster.
		"spec.cluster.requests.cpu":    {Pattern: cpuPattern, Words: "an amount of CPU: cores (2, 0.5) or thousandths of one (500m)", Quantity: true, check: checkCPU},
		"spec.cluster.requests.memory": {Pattern: memoryPattern, Words: "an amount of memory: 512Mi, 2Gi, 1G or a number of bytes", Quantity: true, check: checkMemory},
		"spec.cluster.gpuResource":     {MaxLength: 317, Pattern: resourcePattern, Words: "a resource of a device plugin: DOMAIN/NAME, for example nvidia.com/mig-1g.10gb"},
		"spec.cluster.runtimeClass":    {MaxLength: 253, Pattern: subdomainPattern, Words: subdomainWords},
		"spec.cluster.nodeSelector":    {MaxItems: 32},
		"spec.cluster.tolerations":     {MaxItems: 32, Pattern: taintPattern, Words: "a taint as kubectl taint writes it: KEY, KEY:EFFECT, KEY=VALUE or KEY=VALUE:EFFECT"},
		"spec.cluster.serviceAccount":  {MaxLength: 253, Pattern: subdomainPattern, Words: subdomainWords},
		"spec.cluster.pullSecrets":     {MaxItems: 8, MaxLength: 253, Pattern: subdomainPattern, Words: subdomainWords},
		"spec.cluster.volumes":         {MaxItems: 16},

		"spec.drift.reference":     {Min: 50, Max: 1e6},
		"spec.drift.referenceFile": {check: checkLabelsFile},
		"spec.drift.window":        {Min: 50, Max: 100000},
		"spec.drift.psi":           {Min: 0.01, Max: 10},
		"spec.drift.ks":            {Min: 0.01, Max: 1},

		"spec.resources.cpu":       {Pattern: cpuPattern, Words: "an amount of CPU: cores (2, 0.5) or thousandths of one (500m)", Quantity: true, check: checkCPU},
		"spec.resources.memory":    {Pattern: memoryPattern, Words: "an amount of memory: 512Mi, 2Gi, 1G or a number of bytes", Quantity: true, check: checkMemory},
		"spec.resources.gpu":       {Max: 16},
		"spec.resources.gpuMemory": {Pattern: memoryPattern, Words: "an amount of memory: 512Mi, 2Gi, 1G or a number of bytes", Quantity: true, check: checkMemory},
	}
}

func providers() []string {
	return []string{functions.ProviderCPU, functions.ProviderCUDA, functions.ProviderTensorRT}
}

// maxLabels is above the largest detection vocabularies (LVIS has 1203 classes,
// ImageNet-21k 21841) and bounds what a stranger's file can make us hold.
const maxLabels = 25000

func families() []string {
	names := []string{string(functions.FamilyAuto)}
	for _, f := range functions.Families {
		names = append(names, string(f))
	}
	return names
}

func checkURI(text string) error {
	_, err := address.Parse(text)
	return err
}

func checkLabel(text string) error {
	if text == "" {
		return errors.New("is no class name")
	}
	return nil
}

func checkLabelsFile(text string) error {
	if !fs.ValidPath(text) || text == "." || slices.Contains([]rune(text), '\\') {
		return errors.New("is no path inside the function's folder")
	}
	return nil
}

func checkCPU(text string) error {
	_, err := ParseCPU(text)
	return err
}

func checkMemory(text string) error {
	_, err := ParseMemory(text)
	return err
}
