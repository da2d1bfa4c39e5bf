package inspect

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// knownOpset is the version of ONNX that standard lists the operators of.
const knownOpset = 28

// standard are the operators of ONNX's own domain, those of older versions too.
// Source: onnx/onnx, docs/Operators.md and onnx/defs/operator_sets.h.
const standard = " " +
	"Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh Attention AveragePool BatchNormalization " +
	"Bernoulli BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast CastLike " +
	"CausalConvWithState Ceil Celu CenterCropPad Clip Col2Im Compress Concat ConcatFromSequence Constant " +
	"ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumProd CumSum DFT DeformConv DepthToSpace " +
	"DequantizeLinear Det Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor " +
	"GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater " +
	"GreaterOrEqual GridSample GroupNormalization HammingWindow HannWindow HardSigmoid HardSwish Hardmax Identity " +
	"If ImageDecoder InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual " +
	"LinearAttention Log LogSoftmax Loop LpNormalization LpPool MatMul MatMulInteger Max MaxPool MaxRoiPool " +
	"MaxUnpool Mean MeanVarianceNormalization MelWeightMatrix Min Mish Mod Mul Multinomial Neg " +
	"NegativeLogLikelihoodLoss NonMaxSuppression NonZero Not OneHot Optional OptionalGetElement OptionalHasElement " +
	"Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization RNN RandomNormal RandomNormalLike " +
	"RandomUniform RandomUniformLike Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax " +
	"ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare RegexFullMatch Relu Reshape Resize ReverseSequence " +
	"RoiAlign RotaryEmbedding Round STFT Scan Scatter ScatterElements ScatterND Selu SequenceAt SequenceConstruct " +
	"SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap Shape Shrink Sigmoid Sign Sin Sinh Size " +
	"Slice Softmax SoftmaxCrossEntropyLoss Softplus Softsign SpaceToDepth Split SplitToSequence Sqrt Squeeze " +
	"StringConcat StringNormalizer StringSplit Sub Sum SwiGLU Swish Tan Tanh TensorScatter TfIdfVectorizer " +
	"ThresholdedRelu Tile TopK Transpose Trilu Unique Unsqueeze Upsample Where Xor "

// foreign are domains whose operators ONNX Runtime has, or may have.
var foreign = []string{"ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "ai.onnx.preview.training", "com.microsoft", "com.ms.internal.nhwc", "com.microsoft.nchwc", "org.pytorch.aten"}

// unknown is a sentence that names an operator that nobody here has; empty: none.
func (g *graph) unknown(opset int64) string {
	for _, n := range g.nodes {
		switch _, local := g.local[n.operator]; {
		case local:
		case n.domain == "" && opset > knownOpset:
		case n.domain == "" && !strings.Contains(standard, " "+n.kind+" "):
			if strings.HasSuffix(n.kind, "_TRT") {
				return fmt.Sprintf("operator %.64q is a TensorRT plugin, which ONNX Runtime does not have; export it without NMS, or with ONNX's own", n.kind)
			}
			return fmt.Sprintf("operator %.64q is none of ONNX's", n.kind)
		case n.domain != "" && !isForeign(n.domain):
			return fmt.Sprintf("operator %.64q of domain %.64q is not ONNX's, and the file does not define it", n.kind, n.domain)
		}
	}
	return ""
}

func isForeign(domain string) bool {
	for _, f := range foreign {
		if domain == f {
			return true
		}
	}
	return false
}

// function takes note of a FunctionProto: an operator that the file defines itself.
func (g *graph) function(message []byte) error {
	var defined operator
	var calls []operator
	err := fields(message, func(field protowire.Number, value []byte, _ uint64) (err error) {
		switch field {
		case 1: // name
			defined.kind, err = text(value)
		case 7: // node
			if len(calls) >= maxNodes {
				g.damaged("an operator that it defines has more than 65536 nodes")
				return nil
			}
			var n node
			n, err = g.node(value)
			calls = append(calls, n.operator)
		case 10: // domain
			defined.domain, err = text(value)
		}
		return err
	})
	g.local[defined] = append(g.local[defined], calls...)
	if len(g.local) > maxNodes {
		g.damaged("it defines more than 65536 operators")
	}
	return err
}

// circle says how the graph runs in circles, which no runtime gets out of: a node
// that needs what it makes, or an operator that is defined by itself.
func (g *graph) circle() string {
	needs := make(map[string][]int, len(g.nodes)) // by name, who waits for it
	waits := make([]int, len(g.nodes))
	maker := make(map[string]bool, len(g.nodes))
	for _, n := range g.nodes {
		for _, out := range n.outputs {
			maker[out] = true
		}
	}
	var ready []int
	for i, n := range g.nodes {
		for _, in := range n.inputs {
			if in != "" && maker[in] {
				needs[in] = append(needs[in], i)
				waits[i]++
			}
		}
		if waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	done := 0
	for ; len(ready) > 0; done++ {
		i := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		for _, out := range g.nodes[i].outputs {
			for _, next := range needs[out] {
				if waits[next]--; waits[next] == 0 {
					ready = append(ready, next)
				}
			}
			delete(needs, out)
		}
	}
	if done < len(g.nodes) {
		return "its graph runs in a circle"
	}
	return g.recursion()
}

// recursion looks for an operator of the file's own that ends up calling itself. The
// walk keeps its path on the heap, as a stranger says how deep it goes.
func (g *graph) recursion() string {
	const entered, left = 1, 2
	state := map[operator]int{}
	type visit struct {
		op   operator
		next int
	}
	for start := range g.local {
		path := []visit{{op: start}}
		for len(path) > 0 {
			at := &path[len(path)-1]
			if at.next == 0 && state[at.op] == left {
				path = path[:len(path)-1]
				continue
			}
			state[at.op] = entered
			calls := g.local[at.op]
			if at.next == len(calls) {
				state[at.op] = left
				path = path[:len(path)-1]
				continue
			}
			callee := calls[at.next]
			at.next++
			if _, local := g.local[callee]; !local {
				continue
			}
			switch state[callee] {
			case entered:
				return fmt.Sprintf("its operator %.64q is defined by itself", callee.kind)
			case left:
			default:
				path = append(path, visit{op: callee})
			}
		}
	}
	return ""
}
