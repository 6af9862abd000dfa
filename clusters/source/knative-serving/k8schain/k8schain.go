// Package k8schain stands in for the package of that name with which Knative Serving logs in to registries when it looks
// up an image's digest: by a pod's pull secrets, or by a Docker configuration. Left out are the logins of cloud providers
// by a machine's identity, and with them their libraries, half of what Serving would bring to build.
package k8schain

import (
	"context"

	"github.com/google/go-containerregistry/pkg/authn"
	pullsecrets "github.com/google/go-containerregistry/pkg/authn/kubernetes"
	"k8s.io/client-go/kubernetes"
)

// Options name the pod's namespace, service account and pull secrets.
type Options = pullsecrets.Options

// New returns what knows the logins that the given pod would have.
func New(ctx context.Context, client kubernetes.Interface, options Options) (authn.Keychain, error) {
	secrets, err := pullsecrets.New(ctx, client, options)
	if err != nil {
		return nil, err
	}
	return authn.NewMultiKeychain(secrets, authn.DefaultKeychain), nil
}
