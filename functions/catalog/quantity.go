package catalog

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
)

// Quantity patterns: the part of Kubernetes' quantities that people write.
// Exponents and the suffixes below milli and above tera are left out.
const (
	cpuPattern    = `^([0-9]{1,10}(\.[0-9]{1,9})?)(m?)$`
	memoryPattern = `^([0-9]{1,19}(\.[0-9]{1,9})?)(k|M|G|T|Ki|Mi|Gi|Ti)?$`
)

// maxCores is far beyond one machine, and keeps a slip like 2000 for 2000m out.
const maxCores = 1024

// ParseCPU reads a Kubernetes quantity of CPU, such as 2, 0.5 or 500m, in cores.
// Kubernetes counts in thousandths of a core, so a finer one is refused.
func ParseCPU(text string) (float64, error) {
	m := regexp.MustCompile(cpuPattern).FindStringSubmatch(text)
	if m == nil {
		return 0, errors.New("is no amount of CPU: write cores (2, 0.5) or thousandths of one (500m)")
	}
	cores, _ := new(big.Rat).SetString(m[1])
	if m[3] == "m" {
		cores.Quo(cores, big.NewRat(1000, 1))
	}
	if !new(big.Rat).Mul(cores, big.NewRat(1000, 1)).IsInt() {
		return 0, errors.New("is finer than a thousandth of a core")
	}
	v, _ := cores.Float64()
	if v <= 0 || v > maxCores {
		return 0, fmt.Errorf("is not between 1m and %d cores", maxCores)
	}
	return v, nil
}

// ParseMemory reads a Kubernetes quantity of memory, such as 512Mi, 1G or a
// plain number, in bytes; a part of a byte counts as one.
func ParseMemory(text string) (int64, error) {
	m := regexp.MustCompile(memoryPattern).FindStringSubmatch(text)
	if m == nil {
		return 0, errors.New("is no amount of memory: write 512Mi, 2Gi, 1G or a number of bytes")
	}
	unit := map[string]int64{
		"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
		"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
	}[m[3]]
	amount, _ := new(big.Rat).SetString(m[1])
	amount.Mul(amount, new(big.Rat).SetInt64(unit))
	bytes, rest := new(big.Int).QuoRem(amount.Num(), amount.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		bytes.Add(bytes, big.NewInt(1))
	}
	if bytes.Sign() == 0 || bytes.Cmp(big.NewInt(math.MaxInt64)) > 0 {
		return 0, errors.New("is not between one byte and what a machine can hold")
	}
	return bytes.Int64(), nil
}
