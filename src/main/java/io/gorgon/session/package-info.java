/** Sessions: a key, an order, a state that is kept. Knows: pool's settings and clock, worker. */
@NullMarked
package io.gorgon.session;

import org.jspecify.annotations.NullMarked;
