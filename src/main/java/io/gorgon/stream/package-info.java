/**
 * Python generators as Pekko Streams, and Java sources as arguments. Knows: worker, wire, message.
 */
@NullMarked
package io.gorgon.stream;

import org.jspecify.annotations.NullMarked;
