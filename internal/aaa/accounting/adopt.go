package accounting

import (
	"time"

	"layeh.com/radius/rfc2866"

	"upppoe/internal/tlv"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// partVersion is the first octet of what Config.Keep is called with.
const partVersion = 1

// Fields of it. The numbers do not change.
const (
	partBegan byte = 1 + iota
	partReceivedBytes
	partSentBytes
	partReceivedPackets
	partSentPackets
	partNotTold
)

// fields lists what a successor needs: when accounting began, what an earlier user had carried until
// then, and whether servers know of the session.
func (s *accounted) fields(c *tlv.Codec) {
	began := uint64(s.began.UnixNano())
	tlv.Uint(c, partBegan, &began)
	s.began = time.Unix(0, int64(began))
	tlv.Uint(c, partReceivedBytes, &s.before.ReceivedBytes)
	tlv.Uint(c, partSentBytes, &s.before.SentBytes)
	tlv.Uint(c, partReceivedPackets, &s.before.ReceivedPackets)
	tlv.Uint(c, partSentPackets, &s.before.SentPackets)
	c.OmitZero()
	notTold := uint64(1)
	if s.told {
		notTold = 0
	}
	tlv.Uint(c, partNotTold, &notTold)
	s.told = notTold == 0
}

// keep keeps what a successor needs of a session. The lock is held.
func (a *Accounting) keep(s *accounted) {
	a.cfg.Keep(s.info.Generation, tlv.AppendVersion(nil, partVersion, s.fields))
}

// keepStarted keeps that servers know of a session, or will by the spool: a successor sends no other start
// record.
func (a *Accounting) keepStarted(r record) {
	if r.kind != kindStart {
		return
	}
	generation, ok := a.cfg.NAS.GenerationOf(r.session)
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.accounts[generation]; ok && s != nil && !s.told {
		s.told = true
		a.keep(s)
	}
}

// restore reads what an earlier program has kept, and reports whether that was possible.
func (s *accounted) restore(part []byte) bool {
	restored := accounted{}
	if len(part) == 0 || tlv.ParseVersion(part, partVersion, restored.fields) != nil {
		return false
	}
	s.began, s.before, s.told = restored.began, restored.before, restored.told
	return true
}

// adopted continues the accounting of a session. Of one whose start record may not have been sent, another
// is sent.
func (a *Accounting) adopted(s pppoe.SessionInfo, e pppoe.Adopted) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	known := &accounted{info: s, began: now.Add(-e.Uptime)}
	known.restore(a.cfg.Inherited(s.Generation))
	a.accounts[s.Generation] = known
	a.setPolicy(known, e.Policy)
	known.setAddresses(e.Addressing)
	if !known.told {
		a.addLocked(newRecord(kindStart, a.cfg.NAS.SessionID(s.Generation), now, a.packet(known)))
		a.keep(known)
	}
}

// NotAdopted adds the stop record of a session that an earlier program has begun, and that ends as it is not
// continued. part is what was kept of it: without it no start record was made. One that was made may have
// reached a server. c is what the session has carried. reboot reports that the machine was started again.
func (a *Accounting) NotAdopted(r *pppoe.SessionRecord, part []byte, c datapath.Counters, reboot bool) {
	s := &accounted{info: r.SessionInfo}
	if !s.restore(part) {
		return
	}
	if r.Policy != nil {
		s.class = r.Policy.Class
	}
	s.setAddresses(r.Addressing)
	cause := rfc2866.AcctTerminateCause_Value_NASError
	if reboot {
		cause = rfc2866.AcctTerminateCause_Value_NASReboot
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stop(s, c, cause, time.Now())
}
