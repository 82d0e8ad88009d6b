"""What a picture shows: images and boxes in, detections, dwell and ground points out."""
