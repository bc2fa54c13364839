// SPDX-License-Identifier: Apache-2.0
//
// The end of a process that spoke TLS. gRPC ends on threads of its own, which may be after the last
// of our objects is gone, also after main. A thread that leaves when OpenSSL has cleaned up, which
// it does as the process exits, leaves its random generator and its errors behind: memory lost, and
// whatever it still does with OpenSSL is done to what is gone.
#ifndef TRIDENT_BASE_PORTS_GRPC_END_H_
#define TRIDENT_BASE_PORTS_GRPC_END_H_

namespace trident {

// Makes the exit of this process wait until gRPC has ended; not for ever, as a program may hold
// gRPC for uses of its own. To be called by who lets go of a port or a channel with TLS, not
// before: exit handlers run from the last to the first, and OpenSSL sets its own when it is first
// used, for a channel at its first call. Idempotent, thread-safe.
void AwaitGrpcAtExit();

}  // namespace trident

#endif  // TRIDENT_BASE_PORTS_GRPC_END_H_
