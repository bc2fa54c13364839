// SPDX-License-Identifier: Apache-2.0
//
// The PEM files of one end of a TLS connection, read and checked before gRPC has them. gRPC is
// given their content, and could not name the file that is wrong.
#ifndef TRIDENT_BASE_PORTS_TLS_FILES_H_
#define TRIDENT_BASE_PORTS_TLS_FILES_H_

#include <string>

#include "base/status.h"

namespace trident {

// Paths of the PEM files of one end of a connection.
struct TlsFiles {
  std::string certificate;  // its own, with the chain
  std::string key;          // its private key; mode 0600, or 0640 where root owns it
  std::string peer_ca;      // who signs the certificates of the other end
};

// What is in them.
struct TlsContent {
  std::string certificate;
  std::string key;
  std::string peer_ca;
};

// InvalidArgument names the file that is missing, unreadable, no PEM, or, for the key, readable by
// others than its owner.
StatusOr<TlsContent> ReadTlsFiles(const TlsFiles& files);

}  // namespace trident

#endif  // TRIDENT_BASE_PORTS_TLS_FILES_H_
