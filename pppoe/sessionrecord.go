package pppoe

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"time"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// SessionRecord is what a successor must know of a session of a Server to adopt it. Of a session that
// cannot be adopted now, because its link is being negotiated or it is ending, it has only what
// identifies the session on the wire: Open is false, and a successor sends a PADT.
type SessionRecord struct {
	// SessionInfo identifies the session; Unit, ACName, Service, AccessLine, User and Device are set if
	// Open is. Interface is Listener with the tags in band; Device is the name that it had.
	SessionInfo
	Listener string // Listener.Interface

	// Open reports that packets could flow, and that the fields below are set.
	Open bool
	// RequestKey is that of the PADR, without its cookie: the client may repeat it.
	RequestKey discovery.RequestKey
	// PPP is what session.Compact.AppendState has appended.
	PPP []byte
	Addressing
	// Assigned are the IPv4 addresses that the server has assigned. Leased reports that the peer's is of
	// one of the server's pools.
	Assigned []netip.Addr
	Leased   bool
	// Prefixes are those of Server.SetSourcePrefixes, of a shared device.
	Prefixes []netip.Prefix
	// Policy is the one in force; OwnPolicy reports that AAA or Server.Update has set it, and not
	// ServerConfig.Policy.
	Policy    *SessionPolicy
	OwnPolicy bool
	// Opened is when packets first flowed, LimitsSince when the timeouts began, by the wall clock.
	Opened, LimitsSince time.Time
	// Baseline is what an earlier user of the session has carried, which does not count towards its limits.
	Baseline datapath.Counters
}

// sessionRecordVersion is the version of SessionRecords.
const sessionRecordVersion = 1

// Fields of a SessionRecord. The numbers do not change. Those up to recordKeyFields are what a PADT
// needs: they are the same in all versions.
const (
	recordGeneration byte = 1 + iota
	recordListener
	recordVLAN
	recordStation   // addresses of the peer and the concentrator, and the session ID
	recordKeyFields = recordStation
)

const (
	recordUnit byte = 16 + iota
	recordACName
	recordService
	recordRequestKey
	recordCircuitID
	recordRemoteID
	recordRelaySessionID
	recordLineAttribute
	recordUser
	recordDevice
	recordPPP // Open
	recordMTU
	recordIPv4Local
	recordIPv4Remote
	recordIPv6Local
	recordIPv6Remote
	recordAssigned
	recordLeased
	recordPrefix
	recordPolicy
	recordOwnPolicy
	recordOpened
	recordLimitsSince
	recordBaseline
)

// AppendTo appends the record: its version, and what ParseSessionRecord parses.
func (r *SessionRecord) AppendTo(b []byte) []byte {
	var policy []byte
	if r.Open && r.Policy != nil {
		policy = r.Policy.appendTo(nil)
	}
	return appendRecord(b, sessionRecordVersion, r.appendFields(nil, policy))
}

// appendFields appends the fields, with those of the policy.
func (r *SessionRecord) appendFields(b, policy []byte) []byte {
	if b = r.appendKey(b); !r.Open {
		return b
	}
	b = appendUint(b, recordUnit, uint64(r.Unit))
	b = appendField(b, recordACName, r.ACName)
	b = appendField(b, recordService, r.Service)
	b = appendField(b, recordRequestKey, r.RequestKey[:])
	b = appendAccessLine(b, r.AccessLine)
	b = appendField(b, recordUser, r.User)
	b = appendField(b, recordDevice, r.Device)
	return r.appendOpen(b, policy)
}

func (r *SessionRecord) appendKey(b []byte) []byte {
	b = appendUint(b, recordGeneration, r.Generation)
	b = appendField(b, recordListener, r.Listener)
	var tags [vlan.MaxDepth * vlan.TagLen]byte
	b = appendField(b, recordVLAN, r.vlan.Append(tags[:0], 0))
	var station [2*len(wire.Addr{}) + 2]byte
	copy(station[:], r.Peer[:])
	copy(station[len(r.Peer):], r.Local[:])
	binary.BigEndian.PutUint16(station[2*len(r.Peer):], r.SessionID)
	return appendField(b, recordStation, station[:])
}

func appendAccessLine(b []byte, a *wire.AccessLine) []byte {
	if a == nil {
		return b
	}
	b = appendField(b, recordCircuitID, a.CircuitID)
	b = appendField(b, recordRemoteID, a.RemoteID)
	b = appendField(b, recordRelaySessionID, a.RelaySessionID)
	for k, value := range a.Attributes() {
		b = appendField(b, recordLineAttribute, binary.AppendUvarint([]byte{byte(k)}, uint64(value)))
	}
	return b
}

func (r *SessionRecord) appendOpen(b, policy []byte) []byte {
	b = binary.AppendUvarint(append(b, recordPPP), uint64(len(r.PPP)))
	b = append(b, r.PPP...)
	b = appendUint(b, recordMTU, uint64(r.MTU))
	b = appendAddr(b, recordIPv4Local, r.IPv4.Local)
	b = appendAddr(b, recordIPv4Remote, r.IPv4.Remote)
	if r.HasIPv6() {
		b = appendField(b, recordIPv6Local, r.IPv6.Local[:])
		b = appendField(b, recordIPv6Remote, r.IPv6.Remote[:])
	}
	for _, a := range r.Assigned {
		b = appendAddr(b, recordAssigned, a)
	}
	b = appendFlag(b, recordLeased, r.Leased)
	b = appendPrefixes(b, recordPrefix, r.Prefixes)
	b = appendField(b, recordPolicy, policy)
	b = appendFlag(b, recordOwnPolicy, r.OwnPolicy)
	b = appendTime(b, recordOpened, r.Opened)
	b = appendTime(b, recordLimitsSince, r.LimitsSince)
	if r.Baseline != (datapath.Counters{}) {
		b = appendField(b, recordBaseline, appendCounters(nil, r.Baseline))
	}
	return b
}

// ParseSessionRecord parses a record. The error wraps ErrRecord or ErrRecordVersion. With an error, the
// result has what was read of the session's identity on the wire: see SessionRecord.HasKey. PPP aliases
// the octets.
func ParseSessionRecord(b []byte) (r SessionRecord, err error) { return parseSessionRecord(b, nil) }

// parsedPolicies are policies by their fields: of equal ones one is kept. Nil: all are kept.
type parsedPolicies map[string]*SessionPolicy

func parseSessionRecord(b []byte, policies parsedPolicies) (r SessionRecord, err error) {
	version, fields, err := recordFields(b)
	for err == nil && fields.next() {
		if known := r.parseKey(&fields); !known && version <= sessionRecordVersion {
			r.parseField(&fields, policies)
		}
	}
	r.Interface = attachmentName(r.Listener, r.vlan)
	switch {
	case err != nil:
	case version > sessionRecordVersion:
		err = fmt.Errorf("%w: version %d, known is %d", ErrRecordVersion, version, sessionRecordVersion)
	case fields.err != nil:
		err = fields.err
	case version == 0:
		err = fmt.Errorf("%w: version 0", ErrRecord)
	case !r.HasKey():
		err = fmt.Errorf("%w: it does not identify a session", ErrRecord)
	}
	if r.Open && r.Policy == nil {
		r.Policy = &noPolicy
	}
	return r, err
}

// HasKey reports whether the record identifies a session on the wire, so that a PADT can be sent.
func (r *SessionRecord) HasKey() bool {
	return r.Listener != "" && r.SessionID != 0 && r.Peer.IsUnicast()
}

// parseKey reads a field of what identifies the session, and reports whether it is one.
func (r *SessionRecord) parseKey(f *fieldReader) bool {
	switch f.tag {
	case recordGeneration:
		r.Generation = f.uint()
	case recordListener:
		r.Listener = f.string()
	case recordVLAN:
		r.vlan = f.tags()
	case recordStation:
		var station [2*len(wire.Addr{}) + 2]byte
		f.octets(station[:])
		copy(r.Peer[:], station[:])
		copy(r.Local[:], station[len(r.Peer):])
		r.SessionID = binary.BigEndian.Uint16(station[2*len(r.Peer):])
	}
	return f.tag <= recordKeyFields
}

// tags reads a stack of VLAN tags.
func (r *fieldReader) tags() (s vlan.Stack) {
	if len(r.value) > len(s)*vlan.TagLen || len(r.value)%vlan.TagLen != 0 {
		r.fail()
		return s
	}
	for i := range len(r.value) / vlan.TagLen {
		tag := r.value[i*vlan.TagLen:]
		s[i] = vlan.Tag{TPID: binary.BigEndian.Uint16(tag), VID: binary.BigEndian.Uint16(tag[2:])}
		if s[i].TPID == 0 || s[i].VID > vlan.MaxVID {
			r.fail()
		}
	}
	return s
}

// parseField reads any other field.
func (r *SessionRecord) parseField(f *fieldReader, policies parsedPolicies) {
	switch f.tag {
	case recordUnit:
		r.Unit = int(f.uintUpTo(MaxSlots - 1))
	case recordACName:
		r.ACName = f.string()
	case recordService:
		r.Service = f.string()
	case recordRequestKey:
		f.octets(r.RequestKey[:])
	case recordCircuitID, recordRemoteID, recordRelaySessionID, recordLineAttribute:
		r.parseAccessLine(f)
	case recordUser:
		r.User = f.string()
	case recordDevice:
		r.Device = f.string()
	case recordMTU, recordIPv4Local, recordIPv4Remote, recordIPv6Local, recordIPv6Remote, recordAssigned, recordLeased, recordPrefix:
		r.parseAddressing(f)
	default:
		r.parseState(f, policies)
	}
}

func (r *SessionRecord) parseAccessLine(f *fieldReader) {
	if r.AccessLine == nil {
		r.AccessLine = new(wire.AccessLine)
	}
	switch f.tag {
	case recordCircuitID:
		r.AccessLine.CircuitID = f.string()
	case recordRemoteID:
		r.AccessLine.RemoteID = f.string()
	case recordRelaySessionID:
		r.AccessLine.RelaySessionID = f.string()
	default:
		if len(f.value) == 0 {
			f.fail()
			return
		}
		kind := wire.LineAttribute(f.value[0])
		f.value = f.value[1:]
		r.AccessLine.SetAttribute(kind, uint32(f.uintUpTo(math.MaxUint32)))
	}
}

func (r *SessionRecord) parseAddressing(f *fieldReader) {
	switch f.tag {
	case recordMTU:
		r.MTU = int(f.uintUpTo(maxMTU))
	case recordIPv4Local:
		r.IPv4.Local = f.addr4()
	case recordIPv4Remote:
		r.IPv4.Remote = f.addr4()
	case recordIPv6Local:
		f.octets(r.IPv6.Local[:])
	case recordIPv6Remote:
		f.octets(r.IPv6.Remote[:])
	case recordAssigned:
		r.Assigned = append(r.Assigned, f.addr4())
	case recordLeased:
		r.Leased = f.flag()
	case recordPrefix:
		r.Prefixes = append(r.Prefixes, f.prefix())
	}
}

func (r *fieldReader) addr4() netip.Addr {
	a := r.addr()
	if !a.Is4() {
		r.fail()
	}
	return a
}

func (r *SessionRecord) parseState(f *fieldReader, policies parsedPolicies) {
	switch f.tag {
	case recordPPP:
		r.Open, r.PPP = true, f.value
	case recordPolicy:
		r.Policy = policies.parse(f)
		r.VRF = r.Policy.VRF
	case recordOwnPolicy:
		r.OwnPolicy = f.flag()
	case recordOpened:
		r.Opened = f.time()
	case recordLimitsSince:
		r.LimitsSince = f.time()
	case recordBaseline:
		r.Baseline = f.counters()
	}
}

// parse returns the policy of a field.
func (p parsedPolicies) parse(f *fieldReader) *SessionPolicy {
	if known := p[string(f.value)]; known != nil {
		return known
	}
	policy := new(SessionPolicy)
	if err := policy.parse(f.value); err != nil {
		f.err = fmt.Errorf("policy: %w", err)
	}
	if p != nil && f.err == nil {
		p[string(f.value)] = policy
	}
	return policy
}
