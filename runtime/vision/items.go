package vision

import (
	"fmt"
	"io"
)

// item is the primary item of a HEIF file (ISO/IEC 23008-12): its type, where its bytes
// are, and its properties in the order they are to be applied.
type item struct {
	kind       string
	data       []byte
	properties []property
}

// property is one that describes or transforms an item. A reader that does not know an
// essential one must leave the item alone.
type property struct {
	kind      string
	body      []byte
	essential bool
}

// Bounds of what a stranger's file has us remember: a property's index has 15 bits, and an
// item has a handful of properties.
const (
	maxIndex      = 1<<15 - 1
	maxProperties = 64
)

// primaryItem reads the file's meta box, as far as its primary item goes.
func primaryItem(data []byte) (item, error) {
	var meta []byte
	for kind, body := range boxes(data) {
		if kind == "meta" && len(body) >= 4 {
			meta = body[4:]
			break
		}
	}
	if meta == nil {
		return item{}, fmt.Errorf("no picture but perhaps a track: %w", errUnsupported)
	}
	parts := map[string][]byte{}
	for kind, body := range boxes(meta) {
		if _, twice := parts[kind]; !twice {
			parts[kind] = body
		}
	}
	f := fields{data: parts["pitm"]}
	version, _ := f.full()
	id := f.uint(wide(version >= 1, 2))
	if err := f.err(); err != nil {
		return item{}, fmt.Errorf("no primary item: %w", err)
	}
	it := item{kind: itemKind(parts["iinf"], id)}
	var err error
	if it.properties, err = itemProperties(parts["iprp"], id); err != nil {
		return item{}, err
	}
	it.data, err = itemData(data, parts["iloc"], parts["idat"], id)
	return it, err
}

// wide is four bytes where a newer version has more room, else narrow.
func wide(newer bool, narrow int) int {
	if newer {
		return 4
	}
	return narrow
}

// itemKind finds the item's entry in an iinf box.
func itemKind(iinf []byte, id uint64) string {
	f := fields{data: iinf}
	version, _ := f.full()
	f.uint(wide(version >= 1, 2))
	for kind, body := range boxes(f.data) {
		entry := fields{data: body}
		version, _ := entry.full()
		if kind != "infe" || version < 2 {
			continue
		}
		if entry.uint(wide(version >= 3, 2)) == id && len(entry.data) >= 6 {
			return string(entry.data[2:6])
		}
	}
	return ""
}

// itemProperties finds the item's properties in an iprp box.
func itemProperties(iprp []byte, id uint64) (found []property, err error) {
	var all []property
	for kind, body := range boxes(iprp) {
		switch kind {
		case "ipco":
			for kind, body := range boxes(body) {
				if len(all) < maxIndex {
					all = append(all, property{kind: kind, body: body})
				}
			}
		case "ipma":
			f := fields{data: body}
			version, flags := f.full()
			for range f.uint(4) {
				entry, count := f.uint(wide(version >= 1, 2)), f.uint(1)
				for range count {
					bytes := 1 + int(flags&1)
					n := f.uint(bytes)
					essential := n >> (8*bytes - 1)
					n &= 1<<(8*bytes-1) - 1
					if entry != id || n == 0 {
						continue
					}
					if n > uint64(len(all)) {
						return nil, fmt.Errorf("property %d of %d: %w", n, len(all), errBox)
					}
					if len(found) == maxProperties {
						return nil, fmt.Errorf("more than %d properties of one item: %w", maxProperties, errBox)
					}
					p := all[n-1]
					p.essential = essential == 1
					found = append(found, p)
				}
				if f.short {
					return nil, f.err()
				}
			}
		}
	}
	return found, nil
}

// itemData finds the item's bytes by an iloc box, in the file or in its idat box.
func itemData(file, iloc, idat []byte, id uint64) ([]byte, error) {
	f := fields{data: iloc}
	version, _ := f.full()
	sizes := f.uint(2)
	offsetSize, lengthSize, baseSize, indexSize := int(sizes>>12), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	if version == 0 {
		indexSize = 0
	}
	if max(offsetSize, lengthSize, baseSize, indexSize) > 8 {
		return nil, errBox
	}
	for range f.uint(wide(version >= 2, 2)) {
		entry := f.uint(wide(version >= 2, 2))
		method := uint64(0)
		if version >= 1 {
			method = f.uint(2) & 15
		}
		elsewhere := f.uint(2) != 0
		base := f.uint(baseSize)
		extents := int(f.uint(2))
		if entry != id {
			f.skip(extents * (indexSize + offsetSize + lengthSize))
			if f.short {
				return nil, f.err()
			}
			continue
		}
		var data []byte
		for range extents {
			f.uint(indexSize)
			offset, length := f.uint(offsetSize), f.uint(lengthSize)
			if f.short {
				return nil, f.err()
			}
			from := file
			switch {
			case elsewhere || method > 1:
				return nil, errUnsupported
			case method == 1:
				from = idat
			}
			at := base + offset
			if at >= base && at <= uint64(len(from)) && length == 0 {
				length = uint64(len(from)) - at
			}
			if at < base || at > uint64(len(from)) || length > uint64(len(from))-at || uint64(len(data))+length > uint64(len(file)) {
				return nil, fmt.Errorf("the item's bytes: %w", io.ErrUnexpectedEOF)
			}
			if data == nil {
				data = from[at:][:length:length]
			} else {
				data = append(data, from[at:][:length]...)
			}
		}
		return data, f.err()
	}
	return nil, fmt.Errorf("the primary item is nowhere: %w", io.ErrUnexpectedEOF)
}
