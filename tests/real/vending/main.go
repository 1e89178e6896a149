// Verifies a token on stdin by the keys at an address, with golang-jwt. Usage: verify JWKS ISSUER
package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

type key struct{ Kty, Crv, Kid, X, Y string }

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func bytes(text string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	fail(err)
	return raw
}

func (k key) public() any {
	if k.Kty == "OKP" {
		return ed25519.PublicKey(bytes(k.X))
	}
	x, y := new(big.Int).SetBytes(bytes(k.X)), new(big.Int).SetBytes(bytes(k.Y))
	return &ecdsa.PublicKey{Curve: elliptic.P256(), X: x, Y: y}
}

func main() {
	answer, err := http.Get(os.Args[1])
	fail(err)
	var set struct{ Keys []key }
	fail(json.NewDecoder(answer.Body).Decode(&set))
	text, err := io.ReadAll(os.Stdin)
	fail(err)
	find := func(token *jwt.Token) (any, error) {
		for _, one := range set.Keys {
			if one.Kid == token.Header["kid"] {
				return one.public(), nil
			}
		}
		return nil, fmt.Errorf("no key %v", token.Header["kid"])
	}
	token, err := jwt.Parse(strings.TrimSpace(string(text)), find,
		jwt.WithValidMethods([]string{"ES256", "EdDSA"}), jwt.WithIssuer(os.Args[2]), jwt.WithAudience(os.Args[2]),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	fail(err)
	if token.Header["typ"] != "at+jwt" {
		fail(fmt.Errorf("typ is %v", token.Header["typ"]))
	}
	subject, err := token.Claims.GetSubject()
	fail(err)
	fmt.Println(subject)
}
