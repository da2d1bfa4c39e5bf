package vision

// chromaTap is what one resized chroma sample is made of: three stored samples in a
// row, of which the first and the last may be the same as the middle one, and their
// weights, which are one together.
type chromaTap struct {
	at     [3]int32
	weight [3]uint32
}

// chromaTaps maps n resized samples onto the length stored samples of a chroma axis
// for the full luma samples of a picture of the given extent.
//
// Where a chroma sample is for two pixels, decoders first make one for each pixel,
// three quarters of the nearer stored sample and a quarter of the farther (the
// triangle filter of libjpeg, jdsample.c, and of libwebp), and the picture is resized
// after. Both steps are linear and are done in one here. Resizing stored chroma at
// once leaves it sharper than the networks are used to, which costs a score as much
// as 0.04.
func chromaTaps(into []chromaTap, n int, extent float64, full, length, step int) []chromaTap {
	into = resized(into, n)
	scale := extent / float64(n)
	if step != 2 {
		for i := range into {
			t := tapAt(i, scale/float64(step), length)
			into[i] = chromaTap{[3]int32{t.lo, t.lo, t.hi}, [3]uint32{0, one - t.weight, t.weight}}
		}
		return into
	}
	last := int32(length - 1)
	for i := range into {
		// Of the pixels lo and the one behind it, the second with weight.
		pixel := tapAt(i, scale, full)
		lo, weight := pixel.lo, pixel.weight
		k := lo / 2
		t := chromaTap{at: [3]int32{max(k-1, 0), k, min(k+1, last)}}
		if lo%2 == 0 { // both lie on the stored sample k
			t.weight[0], t.weight[2] = (one-weight+2)/4, (weight+2)/4
		} else { // it is halfway from k to k+1
			t.weight[2] = (one + 2*weight + 2) / 4
		}
		t.weight[1] = one - t.weight[0] - t.weight[2]
		into[i] = t
	}
	return into
}

// threeRows keeps the three stored rows last resized across.
type threeRows struct {
	at     [3]int32
	values [3][]uint64
}

func (r *threeRows) reset(n int) {
	for i := range r.values {
		r.at[i] = -1
		r.values[i] = resized(r.values[i], n)
	}
}

// of returns the rows of a tap, made by across where they are not there yet.
func (r *threeRows) of(t *chromaTap, across func(y int, into []uint64)) (a, b, c []uint64) {
	return r.row(t.at[0], t, across), r.row(t.at[1], t, across), r.row(t.at[2], t, across)
}

func (r *threeRows) row(y int32, t *chromaTap, across func(y int, into []uint64)) []uint64 {
	for i, at := range r.at {
		if at == y {
			return r.values[i]
		}
	}
	for i, at := range r.at {
		if at != t.at[0] && at != t.at[1] && at != t.at[2] { // not one that is still wanted
			across(int(y), r.values[i])
			r.at[i] = y
			return r.values[i]
		}
	}
	panic("three places are taken by rows that are not wanted")
}
