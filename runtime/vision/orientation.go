package vision

// orientation is Exif's: how the stored rows and columns lie in the upright
// picture. 1 is upright, 2 mirrored, 3 upside down, 4 mirrored upside down, 5
// mirrored and 8 turned, 7 mirrored and 6 turned; 6 is right after a quarter turn
// clockwise, 8 after one the other way.
type orientation uint16

// turned says that stored rows are upright columns.
func (o orientation) turned() bool { return o >= 5 && o <= 8 }

// then is o and after it other, as containers say it that turn and mirror step by step.
func (o orientation) then(other orientation) orientation {
	// Each is a mirroring or none, and then quarter turns clockwise.
	turns := [...]int{1: 0, 2: 0, 3: 2, 4: 2, 5: 3, 6: 1, 7: 1, 8: 3}
	mirrors := func(o orientation) bool { return o == 2 || o == 4 || o == 5 || o == 7 }
	turned := turns[o]
	if mirrors(other) { // to turn and mirror is to mirror and turn the other way
		turned = 4 - turned
	}
	turned = (turned + turns[other]) % 4
	if mirrors(o) != mirrors(other) {
		return [4]orientation{2, 7, 4, 5}[turned]
	}
	return [4]orientation{1, 6, 3, 8}[turned]
}

// upright is a stored size after the orientation, or an upright size before it.
func (o orientation) upright(width, height int) (int, int) {
	if o.turned() {
		return height, width
	}
	return width, height
}

// steps is how to walk an upright plane in stored order: start at origin, go by
// column for each stored column and by row for each stored row. The plane has
// the upright width and height and stride elements a row.
func (o orientation) steps(width, height, stride int) (origin, column, row int) {
	right, bottom := width-1, (height-1)*stride
	switch o {
	case 2:
		return right, -1, stride
	case 3:
		return right + bottom, -1, -stride
	case 4:
		return bottom, 1, -stride
	case 5:
		return 0, stride, 1
	case 6:
		return right, stride, -1
	case 7:
		return right + bottom, -stride, -1
	case 8:
		return bottom, -stride, 1
	default:
		return 0, 1, stride
	}
}
