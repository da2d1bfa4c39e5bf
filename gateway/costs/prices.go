package costs

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// Prices are what a second of each resource costs, and a request. They hold for
// every function: what makes one function dearer than another is what its
// instances hold, and the class of its device. 0 makes a thing free.
type Prices struct {
	// GPUSecond is for one GPU for a second, of a class that GPUs does not name.
	GPUSecond float64 `yaml:"gpuSecond" json:"gpu_second"`
	// GPUs are prices of a GPU for a second by class, in lower case: l4, h100.
	GPUs map[string]float64 `yaml:"gpus,omitempty" json:"gpus,omitempty"`
	// CPUSecond is for one core for a second.
	CPUSecond float64 `yaml:"cpuSecond" json:"cpu_second"`
	// GBSecond is for 2^30 bytes of memory for a second, as clouds sell it.
	GBSecond float64 `yaml:"gbSecond" json:"gb_second"`
	// Request is for each request that was in an instance, however long.
	Request float64 `yaml:"request" json:"request"`
	// Currency is an ISO 4217 code. It is shown, nothing is converted.
	Currency string `yaml:"currency" json:"currency"`
}

// Default are list prices without discounts, so that figures are of a known size
// before anybody has entered their own:
//
//   - CPU, memory and GPU as Google Cloud Run sells them where instances are paid
//     for whether they work or not, regions of tier 1, as listed in 2025:
//     $0.000018 a vCPU-second, $0.000002 a GiB-second, $0.0001867 an L4 for a
//     second ($0.67 an hour); requests cost nothing extra there
//     (https://cloud.google.com/run/pricing);
//   - the other classes of GPU as Modal listed them on 2026-05-07: a T4 for $0.5904
//     an hour, an H100 for $0.001097 a second (https://modal.com/pricing).
func Default() Prices {
	return Prices{
		GPUSecond: 0.0001867,
		GPUs:      map[string]float64{"t4": 0.000164, "l4": 0.0001867, "h100": 0.001097},
		CPUSecond: 0.000018,
		GBSecond:  0.000002,
		Currency:  "USD",
	}
}

// maxPrice is more than anything here costs: what is above is an error of units.
const maxPrice = 1e6

// Check says all that is wrong at once.
func (p Prices) Check() error {
	var errs []error
	check := func(name string, price float64) {
		if math.IsNaN(price) || price < 0 || price > maxPrice {
			errs = append(errs, fmt.Errorf("%s: %v is no price between 0 and %v", name, price, maxPrice))
		}
	}
	check("gpuSecond", p.GPUSecond)
	for _, class := range slices.Sorted(maps.Keys(p.GPUs)) {
		check("gpus."+class, p.GPUs[class])
		if class == "" || class != strings.ToLower(class) {
			errs = append(errs, fmt.Errorf("gpus: the class %q is not in lower case", class))
		}
	}
	check("cpuSecond", p.CPUSecond)
	check("gbSecond", p.GBSecond)
	check("request", p.Request)
	isCode := len(p.Currency) == 3
	for _, c := range p.Currency {
		isCode = isCode && c >= 'A' && c <= 'Z'
	}
	if !isCode {
		errs = append(errs, fmt.Errorf("currency: %q is no code of three capital letters", p.Currency))
	}
	return errors.Join(errs...)
}

// second is what an instance that holds h costs for a second.
func (p Prices) second(h functions.Held) float64 {
	return h.CPU*p.CPUSecond + p.frozenSecond(h) + h.GPUs*p.gpuSecond(h.Device)
}

// frozenSecond is what an instance that holds h costs for a second while it is
// frozen: its memory is taken, cores and GPUs are others' to use.
func (p Prices) frozenSecond(h functions.Held) float64 {
	return float64(h.Memory) / (1 << 30) * p.GBSecond
}

func (p Prices) gpuSecond(device string) float64 {
	if price, ok := p.GPUs[strings.ToLower(device)]; ok {
		return price
	}
	return p.GPUSecond
}
