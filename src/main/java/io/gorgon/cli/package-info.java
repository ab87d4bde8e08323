/** The command line: {@code java -jar gorgon.jar}. Knows: everything below; nothing knows it. */
@NullMarked
package io.gorgon.cli;

import org.jspecify.annotations.NullMarked;
