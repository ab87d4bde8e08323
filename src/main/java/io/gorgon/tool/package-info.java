/** Java functions that Python calls while a call runs. Knows: worker, wire, message. */
@NullMarked
package io.gorgon.tool;

import org.jspecify.annotations.NullMarked;
