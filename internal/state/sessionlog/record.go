package sessionlog

import (
	"encoding/binary"
	"hash/crc32"

	"upppoe/internal/state"
)

const (
	marker       = "\xa5SL\x5a"
	recordHeader = 4 + 4 + 4 + 1 + 1 + 8
	// maxValue is the longest value.
	maxValue  = 1 << 20
	maxRecord = recordHeader + maxValue
)

type kind uint8

const (
	kindPut    kind = 1
	kindDelete kind = 2
)

// record is one of the file. The value aliases what it was parsed from.
type record struct {
	kind  kind
	part  state.Part
	of    state.Generation
	value []byte
}

func (r record) size() int { return recordHeader + len(r.value) }

// appendTo encodes the record for a file with a salt.
func (r record) appendTo(b []byte, salt uint32) []byte {
	start := len(b)
	b = append(b, marker...)
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.value)))
	b = append(b, byte(r.kind), byte(r.part))
	b = binary.BigEndian.AppendUint64(b, r.of)
	b = append(b, r.value...)
	binary.BigEndian.PutUint32(b[start+4:], checksum(salt, b[start+8:]))
	return b
}

func checksum(salt uint32, fields []byte) uint32 {
	var s [4]byte
	binary.BigEndian.PutUint32(s[:], salt)
	return crc32.Update(crc32.Checksum(s[:], castagnoli), castagnoli, fields)
}

// verdict is what begins at a place of a file.
type verdict uint8

const (
	isRecord verdict = iota
	isDamaged
	// isCut: what is there may be the beginning of a record.
	isCut
)

// parseRecord decodes the record at the beginning of b. A record of a kind or a part that is not known is
// one.
func parseRecord(b []byte, salt uint32) (record, verdict) {
	if n := min(len(b), len(marker)); string(b[:n]) != marker[:n] {
		return record{}, isDamaged
	}
	if len(b) < recordHeader {
		return record{}, isCut
	}
	length := binary.BigEndian.Uint32(b[8:])
	if length > maxValue {
		return record{}, isDamaged
	}
	end := recordHeader + int(length)
	if len(b) < end {
		return record{}, isCut
	}
	if checksum(salt, b[8:end]) != binary.BigEndian.Uint32(b[4:]) {
		return record{}, isDamaged
	}
	return decodeRecord(b), isRecord
}

// decodeRecord decodes the record at the beginning of b, which is a whole one.
func decodeRecord(b []byte) record {
	end := recordHeader + int(binary.BigEndian.Uint32(b[8:]))
	return record{kind(b[12]), state.Part(b[13]), binary.BigEndian.Uint64(b[14:]), b[recordHeader:end]}
}

// eachRecord calls a function for each record of a buffer of whole ones, with its offset. The function may
// overwrite what is before the end of the record.
func eachRecord(b []byte, f func(at int, r record)) {
	for at := 0; at < len(b); {
		r := decodeRecord(b[at:])
		f(at, r)
		at += r.size()
	}
}
