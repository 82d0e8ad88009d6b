"""Parts of the Parking screen: what is chosen, drawn, told of a place, and planned."""
