/** What users hold: pools, running calls, checkouts, sessions. Knows: pool and what lies below. */
@NullMarked
package io.gorgon;

import org.jspecify.annotations.NullMarked;
