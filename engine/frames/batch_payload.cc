// SPDX-License-Identifier: Apache-2.0
#include "engine/frames/batch_payload.h"

#include "engine/frames/batch_codec.h"

namespace trident {

void BatchPayload::EncodeTo(std::string& out) const { EncodeBatch(batch_, out); }

}  // namespace trident
