package detector

// readCenterNet reads CenterNet exported with its decoding: [1, N, 6], the N best
// peaks of the heat map, each row x1, y1, x2, y2 in input pixels, score and class.
// Neighbouring peaks of one class can still be one object, so NMS follows.
//
// Source: Zhou et al., Objects as Points, 2019, section 4; the network is
// github.com/610265158/mobilenetv3_centernet.
func readCenterNet(s *scratch, outputs []Tensor, _ int, minScore float32) error {
	return readRows(s, outputs, "[1, peaks, 6]", minScore)
}
