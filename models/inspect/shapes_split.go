package inspect

import "slices"

// split are the outputs of a node that cuts its input apart; ok is false where n
// is no such node.
func (s *shapes) split(n node, in array) (outs []array, ok bool) {
	if n.kind != "Split" || in.shape == nil {
		return nil, false
	}
	axis := clamp(n.int("axis", 0), int64(len(in.shape)))
	if axis >= int64(len(in.shape)) {
		return nil, false
	}
	sizes := n.ints["split"]
	if sizes == nil {
		sizes = s.in(n, 1).ints
	}
	count := int64(len(n.outputs))
	each := (in.shape[axis] + count - 1) / count
	for i := range n.outputs {
		part := array{kind: in.kind, shape: slices.Clone(in.shape)}
		if i < len(sizes) {
			part.shape[axis] = sizes[i]
		} else {
			part.shape[axis] = max(0, min(each, in.shape[axis]-int64(i)*each))
		}
		outs = append(outs, part)
	}
	return outs, true
}
