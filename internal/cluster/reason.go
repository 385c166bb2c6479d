package cluster

import "time"

// Reason is why etcd does not answer, as it was logged last. The zero value: nothing was logged.
type Reason struct {
	text string
	at   Time
}

// reasonInterval is the shortest time between the log lines of two reasons.
const reasonInterval = 10 * time.Second

// IsNew reports whether a reason is to be logged: the first one, or another one some time after the last. It is the one that was
// logged last then.
func (r *Reason) IsNew(now Time, text string) bool {
	if r.text != "" && (text == r.text || !r.IsDue(now)) {
		return false
	}
	r.text, r.at = text, now
	return true
}

// IsDue reports whether another reason would be logged now.
func (r *Reason) IsDue(now Time) bool { return r.text == "" || now-r.at >= reasonInterval }
