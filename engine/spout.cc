// SPDX-License-Identifier: Apache-2.0
#include "engine/spout.h"

#include "base/position_form.h"

namespace trident {

PositionForm Spout::positions() const { return {}; }

}  // namespace trident
