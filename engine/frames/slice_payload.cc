// SPDX-License-Identifier: Apache-2.0
#include "engine/frames/slice_payload.h"

#include "engine/frames/slice_codec.h"

namespace trident {

void SlicePayload::EncodeTo(std::string& out) const { EncodeSlice(slice_, out); }

}  // namespace trident
