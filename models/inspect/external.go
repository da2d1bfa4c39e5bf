package inspect

import "google.golang.org/protobuf/encoding/protowire"

// elsewhere reads a StringStringEntryProto of external_data for the file it names.
func (p *parser) elsewhere(message []byte) error {
	var key, value string
	err := fields(message, func(field protowire.Number, content []byte, _ uint64) (err error) {
		switch field {
		case 1: // key
			key, err = text(content)
		case 2: // value
			value, err = text(content)
		}
		return err
	})
	if key == "location" && p.model.Location == "" {
		p.model.Location = value
	}
	return err
}
