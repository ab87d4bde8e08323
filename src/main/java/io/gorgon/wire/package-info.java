/** How it looks on the socket. Knows: message. */
@NullMarked
package io.gorgon.wire;

import org.jspecify.annotations.NullMarked;
