// SPDX-License-Identifier: Apache-2.0
//
// Where a process serves, as its options say.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_SERVING_H_
#define TRIDENT_TRIDENT_RUN_PARTS_SERVING_H_

#include "base/status.h"
#include "coordinator/serve/server.h"
#include "trident/run/parts/run_options.h"

namespace trident {

// InvalidArgument: an address that cannot be, or TLS files without one.
Status CheckServing(const RunOptions& options);

// REQUIRES: there is an address.
ServerOptions ServerOptionsOf(const RunOptions& options);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_SERVING_H_
