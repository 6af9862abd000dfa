// The distribution registry with the one storage a class room needs, and without those of cloud providers, which are
// most of what there is to build. It answers those alone who ask for it by a name of its own.
package main

import (
	"net"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry"

	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

func main() {
	registry.RegisterHandler(namesOnly)
	if err := registry.RootCmd.Execute(); err != nil {
		os.Exit(1)
	}
}

// namesOnly refuses what a web page sends: its page's name in Host, when that name was made to mean this machine, or
// its Origin, when it asks for this machine by its own name. Neither comes from an engine, a node or a client.
//
// The names are those in $REGISTRY_NAMES, with commas between; without it everybody is answered, as upstream.
func namesOnly(_ *configuration.Configuration, next http.Handler) http.Handler {
	names := strings.FieldsFunc(os.Getenv("REGISTRY_NAMES"), func(letter rune) bool { return letter == ',' })
	if len(names) == 0 {
		return next
	}
	return http.HandlerFunc(func(answer http.ResponseWriter, asked *http.Request) {
		if slices.Contains(names, hostname(asked.Host)) && asked.Header.Get("Origin") == "" {
			next.ServeHTTP(answer, asked)
			return
		}
		answer.Header().Set("Content-Type", "application/json")
		answer.WriteHeader(http.StatusMisdirectedRequest)
		_, _ = answer.Write([]byte(`{"errors":[{"code":"DENIED","message":"this registry does not answer to that name"}]}`))
	})
}

// hostname returns a Host without its port, and an IPv6 address without its brackets.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}
