package inspect

import "slices"

// moved is the output of operations that move values about, leave some out, or
// change each by itself.
func (s *shapes) moved(n node, in array) array {
	out := array{kind: in.kind}
	if in.shape == nil {
		return out
	}
	rank := int64(len(in.shape))
	axis := func(name string, otherwise int64) int64 { return clamp(n.int(name, otherwise), rank) }
	switch n.kind {
	case "Identity", "Unsqueeze", "Squeeze", "Reshape", "Flatten":
		return s.viewed(n, in)
	case "Transpose":
		order := n.ints["perm"]
		if order == nil {
			out.shape = slices.Clone(in.shape)
			slices.Reverse(out.shape)
		} else if len(order) == len(in.shape) {
			for _, from := range order {
				if from < 0 || from >= rank {
					return array{kind: in.kind}
				}
				out.shape = append(out.shape, in.shape[from])
			}
		}
	case "Concat":
		return s.concatenated(n, in, axis("axis", 0))
	case "Gather":
		return s.gathered(n, in, axis("axis", 0))
	case "Slice":
		return s.sliced(n, in)
	case "Expand":
		if to := s.in(n, 1).ints; to != nil {
			out.shape = common(in.shape, to)
		}
	case "Tile":
		if by := s.in(n, 1).ints; len(by) == len(in.shape) {
			for i, size := range in.shape {
				out.shape = append(out.shape, times(size, by[i]))
			}
		}
	case "Pad":
		out.shape = s.padded(n, in.shape)
	case "GatherElements":
		out.shape = s.in(n, 1).shape
	case "GatherND":
		if at := s.in(n, 1).shape; len(at) > 0 && n.int("batch_dims", 0) == 0 && at[len(at)-1] >= 0 && at[len(at)-1] <= rank {
			out.shape = append(slices.Clone(at[:len(at)-1]), in.shape[at[len(at)-1]:]...)
		}
	case "GridSample":
		if grid := s.in(n, 1).shape; len(grid) == 4 && rank == 4 {
			out.shape = []int64{in.shape[0], in.shape[1], grid[1], grid[2]}
		}
	case "TopK":
		if k := s.in(n, 1).ints; len(k) == 1 && rank > 0 {
			out.shape = slices.Clone(in.shape)
			out.shape[min(axis("axis", -1), rank-1)] = max(0, k[0])
		}
	case "ArgMax", "ArgMin":
		out = array{shape: reduced(n, in.shape, []int64{n.int("axis", 0)}), kind: "int64"}
	case "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp":
		axes := n.ints["axes"]
		if axes == nil {
			axes = s.in(n, 1).ints
		}
		if axes != nil || len(n.inputs) < 2 {
			out.shape = reduced(n, in.shape, axes)
		}
	case "DepthToSpace", "SpaceToDepth":
		if b := n.int("blocksize", 0); rank == 4 && b > 0 && b <= 64 {
			if n.kind == "DepthToSpace" {
				out.shape = []int64{in.shape[0], in.shape[1] / (b * b), in.shape[2] * b, in.shape[3] * b}
			} else {
				out.shape = []int64{in.shape[0], in.shape[1] * b * b, in.shape[2] / b, in.shape[3] / b}
			}
		}
	case "NonMaxSuppression", "NonZero", "Range", "Unique", "OneHot", "RoiAlign", "Compress", "Size", "EyeLike",
		"Loop", "If", "Scan", "MaxRoiPool", "Einsum", "LSTM", "GRU", "RNN", "CenterCropPad", "Col2Im":
		// Known to a run alone, or not worked out.
	default:
		// Activations, normalisations, scatterings: what goes in comes out.
		if _, local := s.graph.local[n.operator]; !local {
			out.shape = in.shape
		}
	}
	return out
}

// viewed is an array whose values stay as they are under another shape.
func (s *shapes) viewed(n node, in array) array {
	out := array{kind: in.kind, ints: in.ints, floats: in.floats}
	axes := n.ints["axes"]
	if axes == nil && n.kind != "Reshape" {
		axes = s.in(n, 1).ints
	}
	switch n.kind {
	case "Identity":
		return in
	case "Flatten":
		at := clamp(n.int("axis", 1), int64(len(in.shape)))
		out.shape = []int64{times(in.shape[:at]...), times(in.shape[at:]...)}
	case "Unsqueeze":
		rank := int64(len(in.shape) + len(axes))
		added := map[int64]bool{}
		for _, a := range axes {
			added[clamp(a, rank)] = true
		}
		rest := in.shape
		for i := range rank {
			if added[i] || len(rest) == 0 {
				out.shape = append(out.shape, 1)
			} else {
				out.shape, rest = append(out.shape, rest[0]), rest[1:]
			}
		}
	case "Squeeze":
		out.shape = []int64{}
		gone := map[int64]bool{}
		for _, a := range axes {
			gone[clamp(a, int64(len(in.shape)))] = true
		}
		for i, size := range in.shape {
			if !gone[int64(i)] && !(axes == nil && size == 1) {
				out.shape = append(out.shape, size)
			}
		}
	case "Reshape":
		out.shape = reshaped(in.shape, s.in(n, 1).ints, n.int("allowzero", 0) == 1)
	}
	return out
}

func reshaped(in, to []int64, zeros bool) []int64 {
	if to == nil {
		return nil
	}
	out, free, rest := slices.Clone(to), -1, int64(1)
	for i, size := range out {
		switch {
		case size == 0 && !zeros:
			if i >= len(in) {
				return nil
			}
			out[i] = in[i]
		case size < 0 && free >= 0:
			return nil
		case size < 0:
			free = i
			continue
		}
		rest = times(rest, out[i])
	}
	all := times(in...)
	if free >= 0 {
		if rest == 0 || all%rest != 0 {
			return nil
		}
		out[free] = all / rest
	}
	return notNil(out)
}

func (s *shapes) concatenated(n node, in array, axis int64) array {
	out := array{shape: slices.Clone(in.shape), kind: in.kind, ints: slices.Clone(in.ints)}
	if axis >= int64(len(in.shape)) {
		return array{kind: in.kind}
	}
	for i := range n.inputs[1:] {
		next := s.in(n, i+1)
		if len(next.shape) != len(out.shape) {
			return array{kind: in.kind}
		}
		out.shape[axis] += next.shape[axis]
		if next.ints == nil || len(out.shape) != 1 {
			out.ints = nil
		} else if out.ints != nil {
			out.ints = append(out.ints, next.ints...)
		}
	}
	if int64(len(out.ints)) != times(out.shape...) {
		out.ints = nil
	}
	return out
}

func (s *shapes) gathered(n node, in array, axis int64) array {
	at := s.in(n, 1)
	if at.shape == nil || axis >= int64(len(in.shape)) {
		return array{kind: in.kind}
	}
	out := array{kind: in.kind, shape: slices.Concat(in.shape[:axis], at.shape, in.shape[axis+1:])}
	out.shape = notNil(out.shape)
	if in.ints != nil && len(in.shape) == 1 && at.ints != nil {
		for _, i := range at.ints {
			if i < 0 {
				i += int64(len(in.ints))
			}
			if i < 0 || i >= int64(len(in.ints)) {
				return out
			}
			out.ints = append(out.ints, in.ints[i])
		}
	}
	return out
}

func (s *shapes) sliced(n node, in array) array {
	starts, ends, axes, steps := s.in(n, 1).ints, s.in(n, 2).ints, s.in(n, 3).ints, s.in(n, 4).ints
	if n.ints["starts"] != nil { // before opset 10
		starts, ends, axes = n.ints["starts"], n.ints["ends"], n.ints["axes"]
	}
	if starts == nil || len(starts) != len(ends) || len(n.inputs) > 3 && n.inputs[3] != "" && axes == nil {
		return array{kind: in.kind}
	}
	out := array{kind: in.kind, shape: slices.Clone(in.shape)}
	for i, start := range starts {
		axis, step := int64(i), int64(1)
		if i < len(axes) {
			axis = axes[i]
		}
		if i < len(steps) {
			step = steps[i]
		}
		if axis = clamp(axis, int64(len(in.shape))); axis >= int64(len(in.shape)) || step == 0 {
			return array{kind: in.kind}
		}
		size := in.shape[axis]
		from, to := clamp(start, size), clamp(ends[i], size)
		if step < 0 {
			// From the end backwards: what lies between is counted the other way round.
			from, to = clamp(ends[i], size), min(clamp(start, size)+1, size)
			if ends[i] < -size {
				from = 0
			}
			step = -step
		}
		out.shape[axis] = max(0, (to-from+step-1)/max(step, 1))
		if step == 1 && len(in.shape) == 1 && in.ints != nil && from <= to && to <= int64(len(in.ints)) && (i >= len(steps) || steps[i] > 0) {
			out.ints = slices.Clone(in.ints[from:to])
		}
	}
	return out
}

func (s *shapes) padded(n node, in []int64) []int64 {
	pads := n.ints["pads"]
	if pads == nil {
		pads = s.in(n, 1).ints
	}
	if len(pads) != 2*len(in) {
		return nil
	}
	out := slices.Clone(in)
	for i := range out {
		out[i] += pads[i] + pads[i+len(in)]
	}
	return out
}

func reduced(n node, in, axes []int64) []int64 {
	gone := map[int64]bool{}
	for _, a := range axes {
		gone[clamp(a, int64(len(in)))] = true
	}
	out := []int64{}
	for i, size := range in {
		switch {
		case !gone[int64(i)] && axes != nil:
			out = append(out, size)
		case n.int("keepdims", 1) == 1:
			out = append(out, 1)
		}
	}
	return out
}
