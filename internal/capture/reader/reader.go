// Package reader reads packets from capture files of any tool: pcap of both byte orders, with microseconds
// or nanoseconds, and pcapng, each also compressed by gzip. It decodes the link layers that carry PPPoE
// (RFC 2516): Ethernet and Linux cooked captures, with VLAN tags, and frames in a stream of TZSP. Memory is bounded whatever a file says.
package reader

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/pcapgo"
)

// Packet is a packet of a capture.
type Packet struct {
	Number    int       // in the file, from 1
	Time      time.Time // zero: the file has none
	Data      []byte    // as captured; valid until the next call of Next
	Length    int       // on the wire, in octets
	Link      LinkType
	Interface int      // number of the interface in the file
	Comments  []string // untrusted: escape them before printing
	Streamed  bool     // it is the frame in a packet of a TZSP stream
}

// Truncated reports whether the capture has only the beginning of the packet.
func (p *Packet) Truncated() bool { return len(p.Data) < p.Length }

// Reader reads a capture. It must not be used concurrently.
type Reader struct {
	format string
	next   func() (Packet, error)
	limit  *limitedReader
	number int
}

// bufferSize makes reads large: captures may have many gigabytes.
const bufferSize = 1 << 20

// Open begins to read a capture. The error says what the file is if it is none that can be read.
func Open(from io.Reader) (*Reader, error) {
	file := bufio.NewReaderSize(from, bufferSize)
	r := &Reader{}
	head, err := file.Peek(len(magic{}))
	if len(head) == 0 && (err == nil || errors.Is(err, io.EOF)) {
		return nil, ErrEmpty
	}
	if len(head) == 0 {
		return nil, err
	}
	if magicOf(head).isGzip() {
		packed, err := gzip.NewReader(file)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrGzip, err)
		}
		r.format = ", gzip"
		file = bufio.NewReaderSize(packed, bufferSize)
		if head, err = file.Peek(len(magic{})); len(head) == 0 {
			return nil, emptyGzip(err)
		}
	}
	r.limit = &limitedReader{from: file}
	return r, r.open(magicOf(head))
}

// open opens the capture by its first octets.
func (r *Reader) open(head magic) error {
	switch {
	case head.isPcapng():
		r.format = "pcapng" + r.format
		return r.openPcapng()
	case head.isPcap():
		r.format = "pcap" + r.format
		return r.openPcap()
	}
	return &FormatError{head}
}

// Format returns the format of the file for people, like "pcapng, gzip".
func (r *Reader) Format() string { return r.format }

// Next returns the next packet. At the end of the file the error is io.EOF; it is a *CutError if the file
// ends within a packet or is damaged: packets before are valid.
func (r *Reader) Next() (Packet, error) {
	r.limit.reset()
	p, err := r.next()
	if errors.Is(err, io.EOF) {
		return p, io.EOF
	}
	if err != nil {
		return p, &CutError{After: r.number, Err: err}
	}
	r.number++
	p.Number = r.number
	p.decapsulate()
	return p, nil
}

// openPcap reads the header of a pcap file. Its link type is that of all packets.
func (r *Reader) openPcap() error {
	file, err := pcapgo.NewReader(bufio.NewReaderSize(r.limit, bufferSize))
	if err != nil {
		return &CutError{Err: err}
	}
	link := LinkType(file.LinkType())
	if !link.Supported() {
		return &LinkError{link}
	}
	r.next = func() (Packet, error) {
		data, info, err := file.ZeroCopyReadPacketData()
		return packet(data, info, link), err
	}
	return nil
}

func packet(data []byte, info gopacket.CaptureInfo, link LinkType) Packet {
	return Packet{Time: info.Timestamp, Data: data, Length: info.Length, Link: link, Interface: info.InterfaceIndex}
}

// openPcapng reads the first header of a pcapng file. Each of its interfaces has a link type.
func (r *Reader) openPcapng() error {
	options := pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: true}
	file, err := pcapgo.NewNgReader(bufio.NewReaderSize(r.limit, bufferSize), options)
	if err != nil {
		return &CutError{Err: err}
	}
	r.next = func() (Packet, error) {
		data, info, options, err := file.ZeroCopyReadPacketDataWithOptions()
		if err != nil {
			return Packet{}, err
		}
		if file.NInterfaces() > maxInterfaces || file.NNames() > maxNames {
			return Packet{}, ErrTables
		}
		p := packet(data, info, linkType(info))
		if on, err := file.Interface(info.InterfaceIndex); err == nil {
			p.Time = exactTime(p.Time, on.TimestampResolution)
		}
		p.Comments = options.Comments
		return p, nil
	}
	return nil
}

// linkType returns what WantMixedLinkType adds to a packet.
func linkType(info gopacket.CaptureInfo) LinkType {
	if len(info.AncillaryData) > 0 {
		if link, ok := toLinkType(info.AncillaryData[0]); ok {
			return link
		}
	}
	return linkUnknown
}
