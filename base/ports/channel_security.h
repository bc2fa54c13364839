// SPDX-License-Identifier: Apache-2.0
//
// How a port, and a connection to one, are protected: by TLS with a certificate at both ends, or by
// nothing, which is for addresses that only processes of this machine reach.
#ifndef TRIDENT_BASE_PORTS_CHANNEL_SECURITY_H_
#define TRIDENT_BASE_PORTS_CHANNEL_SECURITY_H_

#include <memory>
#include <optional>

#include "base/ports/tls_files.h"

namespace grpc {
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace trident {

// Who dials must have a certificate that `tls->peer_ca` signed. nullopt: no TLS.
std::shared_ptr<grpc::ServerCredentials> ServerSecurity(const std::optional<TlsContent>& tls);
// Who is dialled must have a certificate that `tls->peer_ca` signed, for the name that is dialled.
std::shared_ptr<grpc::ChannelCredentials> ChannelSecurity(const std::optional<TlsContent>& tls);

}  // namespace trident

#endif  // TRIDENT_BASE_PORTS_CHANNEL_SECURITY_H_
