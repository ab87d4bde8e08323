/** How Python processes live: interpreter, bridge, keeper, output. Knows: wire, message. */
@NullMarked
package io.gorgon.process;

import org.jspecify.annotations.NullMarked;
