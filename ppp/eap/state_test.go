package eap_test

import (
	"testing"

	"upppoe/ppp/eap"
	"upppoe/ppp/ppptest"
)

const seed = "\x01\x01\x07\x02\x04user\x03\x01\x01\x04\x01\x07\x05\x00\x06\x08\x00\x00\x00\x02\x00\x00\x00\x00"

// FuzzResume: what is accepted is encoded as it was read, and challenges the peer again.
func FuzzResume(f *testing.F) { ppptest.FuzzResume(f, eap.MD5, seed, "\x01\x01\x07\x02\x00\x03\x00") }

// FuzzResumePassThrough is FuzzResume where a server has the methods.
func FuzzResumePassThrough(f *testing.F) { ppptest.FuzzResume(f, eap.PassThrough, seed) }
