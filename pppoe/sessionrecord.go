package pppoe

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"upppoe/internal/tlv"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
)

// Errors of ParseSessionRecord and ParseCounterRecord, wrapped.
var (
	ErrRecord        = errors.New("the record of the session is damaged")
	ErrRecordVersion = errors.New("the record of the session was written by another version of the program")
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

// sessionRecordVersion is the version of SessionRecords. Another one has other fields under the same tags, except
// for those that identify the session: see SessionRecord.keyFields. A mere addition of fields, which an older
// program may skip, does not change it.
const sessionRecordVersion = 2

// AppendTo appends the record: its version, and what ParseSessionRecord parses.
func (r *SessionRecord) AppendTo(b []byte) []byte {
	e := recordEncoding{SessionRecord: r}
	if r.Open && r.Policy != nil {
		e.policy = tlv.Append(nil, r.Policy.fields)
	}
	return e.appendTo(b)
}

// ParseSessionRecord parses a record. The error wraps ErrRecord or ErrRecordVersion. With an error, the
// result has what was read of the session's identity on the wire: see SessionRecord.HasKey.
func ParseSessionRecord(b []byte) (r SessionRecord, err error) { return parseSessionRecord(b, nil) }

func parseSessionRecord(b []byte, policies parsedPolicies) (r SessionRecord, err error) {
	e := recordEncoding{SessionRecord: &r, policies: policies}
	version, fields, err := tlv.SplitVersion(b)
	if err == nil {
		err = tlv.Parse(fields, e.keyFields)
	}
	r.Interface = attachmentName(r.Listener, r.vlan)
	switch {
	case err != nil:
	case version != sessionRecordVersion:
		return r, fmt.Errorf("%w: version %d, known is %d", ErrRecordVersion, version, sessionRecordVersion)
	default:
		err = tlv.Parse(fields, e.stateFields)
	}
	switch {
	case err != nil:
		err = fmt.Errorf("%w: %w", ErrRecord, err)
	case !r.HasKey():
		err = fmt.Errorf("%w: it does not identify a session", ErrRecord)
	}
	return r, err
}

// HasKey reports whether the record identifies a session on the wire, so that a PADT can be sent.
func (r *SessionRecord) HasKey() bool {
	return r.Listener != "" && r.SessionID != 0 && r.Peer.IsUnicast()
}
