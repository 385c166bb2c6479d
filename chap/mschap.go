package chap

import (
	"crypto/des"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	//lint:ignore SA1019 RFC 2759 is built on MD4
	"golang.org/x/crypto/md4"
)

// Lengths of MS-CHAPv2 (RFC 2759 sections 3 and 4), in octets.
const (
	msChallengeLen  = 16
	msReservedLen   = 8
	ntResponseLen   = 24
	msValueLen      = msChallengeLen + msReservedLen + ntResponseLen + 1
	msReservedBegin = msChallengeLen
	ntResponseBegin = msReservedBegin + msReservedLen
	msFlagsBegin    = ntResponseBegin + ntResponseLen
)

// passwordHash is NtPasswordHash (RFC 2759 section 8.3): MD4 of the password in
// UTF-16, low octet first. A password that is not UTF-8 is converted octet by octet,
// as pppd does with every password.
func passwordHash(password []byte) []byte {
	h := md4.New()
	var unit [2]byte
	for _, u := range codeUnits(password) {
		binary.LittleEndian.PutUint16(unit[:], u)
		h.Write(unit[:])
	}
	return h.Sum(nil)
}

func codeUnits(password []byte) []uint16 {
	if utf8.Valid(password) {
		return utf16.Encode([]rune(string(password)))
	}
	units := make([]uint16, len(password))
	for i, c := range password {
		units[i] = uint16(c)
	}
	return units
}

// challengeHash is ChallengeHash (RFC 2759 section 8.2). The domain is not part of the
// name that is hashed (section 4).
func challengeHash(peer, authenticator []byte, name string) []byte {
	h := sha1.New()
	h.Write(peer)
	h.Write(authenticator)
	h.Write([]byte(name[strings.LastIndexByte(name, '\\')+1:]))
	return h.Sum(nil)[:8]
}

// ntResponse is GenerateNTResponse and ChallengeResponse (RFC 2759 sections 8.1
// and 8.5): the hash of the challenges, encrypted under each third of the
// hash of the password.
func ntResponse(hash, challenge []byte) []byte {
	var keys [21]byte // the password's hash, zero-padded
	copy(keys[:], hash)
	response := make([]byte, ntResponseLen)
	for i := range 3 {
		encrypt(response[8*i:], challenge, keys[7*i:7*i+7])
	}
	return response
}

// encrypt is DesEncrypt (RFC 2759 section 8.6), with a key of 56 bits.
func encrypt(to, clear, key []byte) {
	block, err := des.NewCipher(expandKey(key))
	if err != nil {
		panic(err) // only for a key whose length is not 8
	}
	block.Encrypt(to, clear)
}

// expandKey adds an odd parity bit to every seven bits of a key.
func expandKey(key []byte) []byte {
	var packed uint64
	for _, c := range key {
		packed = packed<<8 | uint64(c)
	}
	expanded := make([]byte, 8)
	for i := range expanded {
		seven := byte(packed>>(7*(7-i))) << 1
		expanded[i] = seven | byte(1^bits.OnesCount8(seven)&1)
	}
	return expanded
}

// Constants of RFC 2759 section 8.7.
const (
	signingMagic = "Magic server to client signing constant"
	padMagic     = "Pad to make it do more than one iteration"
)

// authenticatorResponse is GenerateAuthenticatorResponse (RFC 2759 section
// 8.7): by it the authenticator proves that it knows the password.
func authenticatorResponse(hash, ntResponse, challenge []byte) string {
	hashHash := md4.New() // HashNtPasswordHash, section 8.4
	hashHash.Write(hash)
	h := sha1.New()
	h.Write(hashHash.Sum(nil))
	h.Write(ntResponse)
	h.Write([]byte(signingMagic))
	digest := h.Sum(nil)

	h.Reset()
	h.Write(digest)
	h.Write(challenge)
	h.Write([]byte(padMagic))
	return "S=" + strings.ToUpper(hex.EncodeToString(h.Sum(nil)))
}
