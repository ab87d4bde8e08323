/** One actor is one Python process. Knows: connection, process, wire, message. */
@NullMarked
package io.gorgon.worker;

import org.jspecify.annotations.NullMarked;
